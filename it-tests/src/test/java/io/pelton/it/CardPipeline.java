package io.pelton.it;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A card-fraud pipeline in a directory of its own, with windows that a day of events fills. Topics
 * are named after it, so tests share a broker.
 */
record CardPipeline(Path file, PipelineDefinition definition) {
  static final long OUT_OF_ORDERNESS = 10_000;
  static final String MODEL = "card-fraud";

  private static final Path SCHEMA = Path.of("../examples/card-fraud/transaction.avsc");
  private static final String TEXT =
      """
      pipeline: NAME

      events:
        topic: NAME.events
        schema: transaction.avsc
        format: avro
        id: transaction_id
        time: event_time
        out-of-orderness: 10s
        idle-after: 10m   # a slow machine must not make a partition look idle
        rules:
          amount_not_negative: "amount >= 0.0"

      entities:
        customer: customer_id
        terminal: terminal_id

      features:
        amount:               {value: "amount"}
        during_night:         {value: "time.getHours('UTC') <= 6"}
        customer_tx_count:    {entity: customer, aggregate: count,        windows: [1h, 1d]}
        customer_mean_amount: {entity: customer, aggregate: mean(amount), windows: [1h, 1d]}
        customer_max_amount:  {entity: customer, aggregate: max(amount),  windows: [1d]}
        terminal_tx_count:    {entity: terminal, aggregate: count,        windows: [1h, 1d], delay: 1h}
        terminal_risk:        {entity: terminal, aggregate: mean(fraud),  windows: [1h, 1d], delay: 1h, default: 0}

      model:
        name: card-fraud
        batch: {max-size: 64, max-delay: 5ms}
        device: cpu

      carry: [terminal_id]

      drift:
        window: 1h
      """;

  /**
   * @param name in Kafka names; letters, digits and hyphens
   * @param replacements pairs of text to replace and its replacement
   */
  static CardPipeline write(Path parent, String name, String... replacements) throws Exception {
    String text = TEXT;
    for (int i = 0; i < replacements.length; i += 2) {
      if (!text.contains(replacements[i])) {
        throw new IllegalArgumentException("the pipeline has no \"" + replacements[i] + "\"");
      }
      text = text.replace(replacements[i], replacements[i + 1]);
    }
    return of(parent, name, text);
  }

  /**
   * A pipeline over the same events.
   *
   * @param text of the file, with NAME for the name
   */
  static CardPipeline of(Path parent, String name, String text) throws Exception {
    Path directory = Files.createDirectories(parent.resolve(name));
    Files.copy(SCHEMA, directory.resolve("transaction.avsc"));
    Path file = Files.writeString(directory.resolve("pipeline.yaml"), text.replace("NAME", name));
    return new CardPipeline(file, PipelineFile.read(file));
  }
}
