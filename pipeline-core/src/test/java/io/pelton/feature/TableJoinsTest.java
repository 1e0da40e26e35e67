package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Table;
import io.pelton.table.ReferenceTable;
import io.pelton.table.TableRows;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Features of events that are joined with tables as of the events' times. */
class TableJoinsTest {
  private static final String TERMINALS = "terminal_id,valid_from,country,risk_class\n";
  private static final String CUSTOMERS = "customer,since,country\n";

  @TempDir Path directory;

  private PipelineDefinition pipeline;

  @BeforeEach
  void writePipeline() throws Exception {
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"), directory.resolve("transaction.avsc"));
    Files.writeString(
        directory.resolve("terminal.avsc"),
        """
        {"type": "record", "name": "Terminal", "fields": [
          {"name": "terminal_id", "type": "long"}, {"name": "valid_from", "type": "long"},
          {"name": "country", "type": ["null", "string"], "default": null},
          {"name": "risk_class", "type": "int"}]}
        """);
    Files.writeString(
        directory.resolve("customer.avsc"),
        """
        {"type": "record", "name": "Customer", "fields": [
          {"name": "customer", "type": "long"}, {"name": "since", "type": "string"},
          {"name": "country", "type": "string"}]}
        """);
    pipeline =
        pipeline(
            """
            rules: {known_class: "terminals.risk_class == null || terminals.risk_class < 9"}
            """);
  }

  private PipelineDefinition pipeline(String rules) throws Exception {
    return PipelineFile.read(
        Files.writeString(
            directory.resolve("p.yaml"),
            """
            pipeline: test
            events:
              topic: transactions
              schema: transaction.avsc
              id: transaction_id
              time: event_time
              %s
            tables:
              terminals: {file: t.csv, schema: terminal.avsc, key: terminal_id, time: valid_from}
              customers: {file: c.csv, schema: customer.avsc, key: customer, time: since, on: customer_id}
            entities: {customer: customer_id}
            features:
              risk_class: {value: terminals.risk_class, default: -1}
              foreign: {value: terminals.country != customers.country}
              age: {value: "terminals.valid_from == null ? -1.0 : double(terminals.valid_from)"}
              scaled: {value: "foreign * amount"}
              abroad: {entity: customer, aggregate: sum(amount), where: "terminals.country != 'FR'", windows: [7d]}
              places: {entity: customer, aggregate: distinct(terminals.country), windows: [7d]}
              by_place: {entity: customer, aggregate: count, by: terminals.country, windows: [7d]}
              share: {value: "abroad_7d / double(terminals.risk_class)"}
            """
                .formatted(rules)));
  }

  private ReferenceTable table(String name, String csv) throws IOException {
    Table table =
        pipeline.tables().stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow();
    TableRows rows = new TableRows(table, Long.MAX_VALUE);
    rows.read(name + ".csv", new ByteArrayInputStream(csv.getBytes(StandardCharsets.UTF_8)));
    return rows.table();
  }

  private FeaturePlan plan(String terminals, String customers) throws IOException {
    return new FeaturePlan(
        pipeline,
        Map.of(
            "terminals", table("terminals", TERMINALS + terminals),
            "customers", table("customers", CUSTOMERS + customers)));
  }

  private static @Nullable Object[] event(
      long id, long time, long customer, @Nullable Long terminal) {
    return new @Nullable Object[] {id, time, customer, terminal, 3.5, 0L};
  }

  private double value(FeatureRow row, String name) {
    return row.values[pipeline.featureNames().indexOf(name)];
  }

  @Test
  void anEventSeesTheRowThatIsValidAtItsTime() throws Exception {
    FeaturePlan plan =
        plan(
            "7,1000,FR,1\n7,2000,DE,2\n",
            "5,1970-01-01T00:00:00Z,FR\n5,1970-01-01T00:00:02.500Z,DE\n");
    FeatureRow before = plan.admit(event(1, 999, 5, 7L), Long.MAX_VALUE);
    assertThat(value(before, "risk_class")).isEqualTo(-1);
    assertThat(value(before, "age")).isEqualTo(-1);
    FeatureRow first = plan.admit(event(2, 1_000, 5, 7L), Long.MAX_VALUE);
    assertThat(value(first, "risk_class")).isEqualTo(1);
    assertThat(value(first, "foreign")).isZero();
    assertThat(value(first, "age")).isEqualTo(1_000);
    FeatureRow second = plan.admit(event(3, 2_000, 5, 7L), Long.MAX_VALUE);
    assertThat(value(second, "risk_class")).isEqualTo(2);
    assertThat(value(second, "foreign")).isEqualTo(1);
    assertThat(value(second, "scaled")).isEqualTo(3.5);
    FeatureRow moved = plan.admit(event(4, 2_500, 5, 7L), Long.MAX_VALUE);
    assertThat(value(moved, "foreign")).isZero();
    assertThat(value(plan.admit(event(5, 3_000, 5, 8L), Long.MAX_VALUE), "risk_class"))
        .isEqualTo(-1);
  }

  @Test
  void whatIsReadAfterTheWindowsTravelsWithTheRow() throws Exception {
    FeaturePlan plan = plan("7,1000,DE,2\n", "5,1970-01-01,FR\n");
    FeatureRow row = plan.admit(event(1, 1_000, 5, 7L), Long.MAX_VALUE);
    row.values[pipeline.featureNames().indexOf("abroad_7d")] = 9;
    plan.finish(row);
    assertThat(value(row, "share")).isEqualTo(4.5);
  }

  @Test
  void rulesReadTablesAndSayWhatTheyRead() throws Exception {
    FeaturePlan plan = plan("7,1000,DE,9\n", "5,1970-01-01,FR\n");
    plan.admit(event(1, 999, 5, 7L), Long.MAX_VALUE);
    assertThatThrownBy(() -> plan.admit(event(1, 1_000, 5, 7L), Long.MAX_VALUE))
        .isInstanceOf(RejectedEventException.class)
        .hasMessageContaining("rule known_class is broken")
        .hasMessageContaining("fraud: 0, terminals.risk_class: 9}");
  }

  @Test
  void aKeyThatTheEventMustHaveIsRequired() throws Exception {
    FeaturePlan plan = plan("7,1000,DE,9\n", "5,1970-01-01,FR\n");
    assertThatThrownBy(() -> plan.admit(event(1, 1_000, 5, null), Long.MAX_VALUE))
        .isInstanceOf(RejectedEventException.class)
        .hasMessageContaining("fields.terminal_id.required");
  }

  @Test
  void withoutItsTablesAPlanAdmitsNothing() {
    assertThatThrownBy(
            () -> new FeaturePlan(pipeline).admit(event(1, 1_000, 5, 7L), Long.MAX_VALUE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("table terminals was not loaded");
  }

  private record Version(long key, long time, String rest) {}

  /** Versions of a few keys, no two of one key at one time. */
  private static List<Version> timeline(Random random, long from, long to, int rows) {
    Map<List<Long>, Version> versions = new HashMap<>();
    for (int i = 0; i < rows; i++) {
      long key = random.nextInt(4);
      long time = from + random.nextLong(to - from);
      versions.put(
          List.of(key, time),
          new Version(
              key,
              time,
              List.of("FR", "DE", "IT").get(random.nextInt(3)) + "," + random.nextInt(9)));
    }
    return new ArrayList<>(versions.values());
  }

  private static String terminals(List<Version> versions) {
    StringBuilder text = new StringBuilder();
    versions.forEach(v -> text.append(v.key + "," + v.time + "," + v.rest + "\n"));
    return text.toString();
  }

  private static String customers(List<Version> versions) {
    StringBuilder text = new StringBuilder();
    versions.forEach(v -> text.append(v.key + "," + v.time + "," + v.rest.substring(0, 2) + "\n"));
    return text.toString();
  }

  private static List<Version> until(List<Version> versions, long time) {
    return versions.stream().filter(version -> version.time <= time).toList();
  }

  /** All that a row holds: features, and what the windows of its entities will aggregate. */
  private static List<Object> all(FeaturePlan plan, @Nullable Object[] event) throws Exception {
    FeatureRow row = plan.admit(event, Long.MAX_VALUE);
    List<Object> all = new ArrayList<>();
    for (double value : row.values) {
      all.add(Double.doubleToRawLongBits(value));
    }
    for (Object value : row.carried) {
      all.add(String.valueOf(value));
    }
    return all;
  }

  @Test
  void nothingLeaksFromTheFuture() throws Exception {
    long end = 10_000;
    int differences = 0;
    for (int seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      long now = 1_000 + random.nextLong(end - 1_000);
      List<Version> terminals = timeline(random, 0, end, 30);
      List<Version> customers = timeline(random, 0, end, 30);
      terminals.add(new Version(9, 0, "FR,1"));
      customers.add(new Version(9, 0, "FR,1"));
      // The same past; of the future nothing, or another one.
      List<Version> pastTerminals = until(terminals, now);
      List<Version> pastCustomers = until(customers, now);
      List<Version> otherTerminals = new ArrayList<>(pastTerminals);
      List<Version> otherCustomers = new ArrayList<>(pastCustomers);
      otherTerminals.addAll(timeline(random, now + 1, end + 1_000, 30));
      otherCustomers.addAll(timeline(random, now + 1, end + 1_000, 30));
      FeaturePlan known = plan(terminals(pastTerminals), customers(pastCustomers));
      FeaturePlan whole = plan(terminals(terminals), customers(customers));
      FeaturePlan other = plan(terminals(otherTerminals), customers(otherCustomers));
      for (int i = 0; i < 200; i++) {
        long time = random.nextLong(now + 1);
        long customer = random.nextInt(5);
        long terminal = random.nextInt(5);
        List<Object> expected = all(known, event(i, time, customer, terminal));
        assertThat(all(whole, event(i, time, customer, terminal))).isEqualTo(expected);
        assertThat(all(other, event(i, time, customer, terminal))).isEqualTo(expected);
        long later = now + 1 + random.nextLong(1_000);
        if (!all(known, event(i, later, customer, terminal))
            .equals(all(other, event(i, later, customer, terminal)))) {
          differences++;
        }
      }
    }
    // The futures do differ for those who live in them.
    assertThat(differences).isGreaterThan(1_000);
  }
}
