package io.pelton.benchmarks;

import io.pelton.cli.embedded.EmbeddedKafka;
import java.nio.file.Path;

/**
 * A broker in a process of its own, so that its work is not counted; ends with its standard input.
 */
final class Broker {
  static final String READY = "broker ";

  private Broker() {}

  /**
   * @param arguments the data directory
   */
  public static void main(String[] arguments) throws Exception {
    try (EmbeddedKafka kafka = EmbeddedKafka.start(Path.of(arguments[0]))) {
      System.out.println(READY + kafka.bootstrapServers());
      while (System.in.read() >= 0) {
        // Until the benchmark goes away.
      }
    }
  }
}
