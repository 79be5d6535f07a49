"""The grounds: each driver keeps the promises of `ports` and knows neither rules nor another driver."""
