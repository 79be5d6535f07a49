import java.nio.ByteBuffer;
import java.nio.file.*;
import java.sql.*;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads a feed from Kafka itself into a database, each event once, whoever is killed when: schemas/formats/stamp.md. */
public class FeedReader {
    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        try (var file = Files.newBufferedReader(Path.of(args[0]))) { settings.load(file); }
        var bytes = new ByteArrayDeserializer();
        try (Connection work = DriverManager.getConnection(settings.getProperty("work"));
                var consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
            work.createStatement().execute("create table if not exists event (body text)");
            work.createStatement().execute("create table if not exists mark (feed_partition integer primary key,"
                + " next integer, generation integer, stamp integer)");
            work.setAutoCommit(false);
            PreparedStatement keep = work.prepareStatement("insert into event values (?)");
            PreparedStatement mark = work.prepareStatement("replace into mark values (?, ?, ?, ?)");
            Map<TopicPartition, long[]> marks = new HashMap<>(); // Next offset here; highest generation and offset there.
            for (var each : consumer.partitionsFor(settings.getProperty("topic")))
                marks.put(new TopicPartition(each.topic(), each.partition()), new long[] {0, 0, -1});
            try (ResultSet row = work.createStatement().executeQuery("select * from mark")) {
                while (row.next()) marks.put(new TopicPartition(settings.getProperty("topic"), row.getInt(1)),
                    new long[] {row.getLong(2), row.getLong(3), row.getLong(4)});
            }
            consumer.assign(marks.keySet());
            marks.forEach((partition, at) -> consumer.seek(partition, at[0]));
            while (true) {
                Map<TopicPartition, OffsetAndMetadata> read = new HashMap<>();
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    var partition = new TopicPartition(record.topic(), record.partition());
                    long[] at = marks.get(partition);
                    read.put(partition, new OffsetAndMetadata(at[0] = record.offset() + 1));
                    ByteBuffer header = ByteBuffer.wrap(record.headers().lastHeader("hub").value());
                    if ((header.get() & 0xff) == 0xdc) header.getShort(); // How many elements: schemas/formats/header.md.
                    if (integer(header) != 3) continue; // No event.
                    long generation = integer(header), source = integer(header), offset = integer(header);
                    if (generation < at[1] || generation == at[1] && offset <= at[2]) continue; // The reader rule.
                    at[1] = generation;
                    at[2] = offset;
                    keep.setString(1, new String(record.value(), "UTF-8")); // Your own work stands here.
                    keep.execute();
                }
                for (var partition : read.keySet()) {
                    mark.setInt(1, partition.partition());
                    for (int i = 0; i < 3; i++) mark.setLong(i + 2, marks.get(partition)[i]);
                    mark.execute();
                }
                work.commit(); // The work and its marks, or neither.
                consumer.commitSync(read); // Tells the hub how far this is; nothing here depends on it.
            }
        }
    }

    /** MessagePack: a number that is not negative. */
    static long integer(ByteBuffer from) {
        int first = from.get() & 0xff, left = first < 0xcc ? 0 : 1 << first - 0xcc;
        long value = left == 0 ? first : 0;
        while (left-- > 0) value = value << 8 | from.get() & 0xff;
        return value;
    }
}
