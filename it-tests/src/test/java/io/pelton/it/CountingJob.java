package io.pelton.it;

import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/** Counts to a number: {@code CountingJob N}. */
public final class CountingJob {
  private CountingJob() {}

  public static void main(String[] arguments) throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.setParallelism(2);
    env.enableCheckpointing(500);
    env.fromSequence(1, Long.parseLong(arguments[0]))
        .keyBy(number -> number % 10)
        .map(new Counting())
        .uid("count")
        .sinkTo(new DiscardingSink<>())
        .uid("discard");
    env.execute("count");
  }

  /** Counts what passes. */
  public static final class Counting extends RichMapFunction<Long, Long> {
    private final LongCounter seen = new LongCounter();

    @Override
    public void open(OpenContext context) {
      getRuntimeContext().addAccumulator("seen", seen);
    }

    @Override
    public Long map(Long value) {
      seen.add(1);
      return value;
    }
  }
}
