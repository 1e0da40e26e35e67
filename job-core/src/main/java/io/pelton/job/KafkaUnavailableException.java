package io.pelton.job;

import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;

/** Kafka did not do what a job needs before it can start. The message says what to check. */
public final class KafkaUnavailableException extends Exception {
  private static final long serialVersionUID = 1;

  KafkaUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }

  KafkaUnavailableException(String message) {
    super(message);
  }

  /** A client of the brokers' administration. */
  static Admin admin(KafkaSettings kafka, Properties properties) throws KafkaUnavailableException {
    try {
      return Admin.create(properties);
    } catch (KafkaException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new KafkaUnavailableException(
          "Kafka at "
              + kafka.brokers()
              + ": "
              + cause.getMessage()
              + "; check --brokers (host:port, …) and --kafka-config",
          e);
    }
  }

  /** Waits for an answer of the brokers and says who was asked for what when none comes. */
  static <T> T await(KafkaSettings kafka, String what, Future<T> answer, Duration timeout)
      throws KafkaUnavailableException {
    try {
      return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw unreachable(kafka, what, timeout, e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      if (cause instanceof org.apache.kafka.common.errors.TimeoutException) {
        throw unreachable(kafka, what, timeout, cause);
      }
      throw new KafkaUnavailableException(
          "Kafka at " + kafka.brokers() + ": cannot " + what + ": " + cause.getMessage(), cause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KafkaUnavailableException("interrupted while waiting to " + what, e);
    }
  }

  private static KafkaUnavailableException unreachable(
      KafkaSettings kafka, String what, Duration timeout, Throwable cause) {
    return new KafkaUnavailableException(
        "Kafka at "
            + kafka.brokers()
            + ": no answer within "
            + timeout.toMillis()
            + " ms, so Pelton cannot "
            + what
            + "; check that a broker listens there, that its advertised listeners are reachable"
            + " from here, and that TLS and SASL settings (--kafka-config) are the broker's",
        cause);
  }
}
