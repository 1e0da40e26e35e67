package io.pelton.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;

/**
 * Sliding sums in Flink SQL: one {@code OVER} window a query, each around the last, for a query may
 * define one window only, and planner 2.2.0 makes one window of five queries that are joined.
 */
final class SumsBySql {
  private SumsBySql() {}

  /**
   * @param payments with timestamps and watermarks
   * @param widths of the windows, milliseconds
   */
  static DataStream<Row> define(
      StreamTableEnvironment tables, DataStream<CardPayment> payments, long[] widths) {
    tables.createTemporaryView(
        "payments",
        payments,
        Schema.newBuilder()
            .column("id", "BIGINT NOT NULL")
            .column("customer", "BIGINT NOT NULL")
            .column("amount", "DOUBLE NOT NULL")
            .columnByMetadata("at", DataTypes.TIMESTAMP_LTZ(3), "rowtime")
            .watermark("at", "SOURCE_WATERMARK()")
            .build());
    return tables.toDataStream(tables.sqlQuery(query(widths)));
  }

  static String query(long[] widths) {
    String from = "payments";
    for (int i = 0; i < widths.length; i++) {
      List<String> columns = new ArrayList<>(List.of("id", "customer", "amount", "`at`"));
      IntStream.range(0, i).mapToObj(SumsBySql::column).forEach(columns::add);
      from =
          """
          (SELECT %s,
            SUM(amount) OVER (PARTITION BY customer ORDER BY `at`
              RANGE BETWEEN INTERVAL %s PRECEDING AND CURRENT ROW) AS %s
          FROM %s)
          """
              .formatted(String.join(", ", columns), interval(widths[i] - 1), column(i), from);
    }
    List<String> sums = IntStream.range(0, widths.length).mapToObj(SumsBySql::column).toList();
    return "SELECT id, " + String.join(", ", sums) + " FROM " + from;
  }

  private static String column(int window) {
    return "sum_" + window;
  }

  /** Both ends belong to SQL's window: a millisecond less than Pelton's {@code (t - w, t]}. */
  private static String interval(long millis) {
    Duration length = Duration.ofMillis(millis);
    return "'%d %02d:%02d:%02d.%03d' DAY TO SECOND(3)"
        .formatted(
            length.toDays(),
            length.toHoursPart(),
            length.toMinutesPart(),
            length.toSecondsPart(),
            length.toMillisPart());
  }
}
