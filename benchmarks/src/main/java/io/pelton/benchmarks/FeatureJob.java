package io.pelton.benchmarks;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import io.pelton.feature.job.FeatureTopology;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Window;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** A job to measure, from the events in memory to {@link TakenRows}. */
enum FeatureJob {
  /** The source of the jobs by hand, and nothing else. */
  SOURCE {
    @Override
    void define(
        StreamExecutionEnvironment environment, PipelineDefinition pipeline, FeatureRun run) {
      payments(environment, pipeline).sinkTo(new TakenRows<>(UNCHECKED, run.sample(), every(run)));
    }
  },

  /** The ceiling: what goes through keyed, and no more. */
  PASS_THROUGH {
    @Override
    void define(
        StreamExecutionEnvironment environment, PipelineDefinition pipeline, FeatureRun run) {
      payments(environment, pipeline)
          .keyBy(payment -> payment.customer)
          .process(new PassOn())
          .sinkTo(new TakenRows<>(UNCHECKED, run.sample(), every(run)));
    }
  },

  /** Pelton's rows as its source makes them of the events' fields, and nothing else. */
  PELTON_SOURCE {
    @Override
    void define(
        StreamExecutionEnvironment environment, PipelineDefinition pipeline, FeatureRun run) {
      incoming(environment, pipeline).sinkTo(new TakenRows<>(INCOMING, run.sample(), every(run)));
    }
  },

  /** Pelton. */
  PELTON {
    @Override
    void define(
        StreamExecutionEnvironment environment, PipelineDefinition pipeline, FeatureRun run) {
      FeatureTopology.build(incoming(environment, pipeline), pipeline)
          .features()
          .sinkTo(new TakenRows<>(FEATURES, run.sample(), every(run)));
    }
  },

  /** Flink SQL. */
  SQL {
    @Override
    void define(
        StreamExecutionEnvironment environment, PipelineDefinition pipeline, FeatureRun run) {
      SumsBySql.define(
              StreamTableEnvironment.create(environment),
              payments(environment, pipeline),
              widths(pipeline))
          .sinkTo(new TakenRows<>(ROW, run.sample(), every(run)));
    }
  },

  /** A process function with a map state. */
  BY_HAND {
    @Override
    void define(
        StreamExecutionEnvironment environment, PipelineDefinition pipeline, FeatureRun run) {
      payments(environment, pipeline)
          .keyBy(payment -> payment.customer)
          .process(new SumsByHand(widths(pipeline)))
          .sinkTo(new TakenRows<>(SUMS, run.sample(), every(run)));
    }
  };

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static final String SOURCE_NAME = "events in memory";
  private static final TakenRows.View<CardPayment> UNCHECKED =
      new TakenRows.View<>() {
        private static final long serialVersionUID = 1;

        @Override
        public long number(CardPayment row) {
          return row.id;
        }

        @Override
        public double[] values(CardPayment row) {
          return new double[0];
        }
      };
  private static final TakenRows.View<Incoming> INCOMING =
      new TakenRows.View<>() {
        private static final long serialVersionUID = 1;

        @Override
        public long number(Incoming row) {
          return row.offset;
        }

        @Override
        public double[] values(Incoming row) {
          return new double[0];
        }
      };
  private static final TakenRows.View<FeatureRow> FEATURES =
      new TakenRows.View<>() {
        private static final long serialVersionUID = 1;

        @Override
        public long number(FeatureRow row) {
          return Long.parseLong(row.id);
        }

        @Override
        public double[] values(FeatureRow row) {
          return row.values;
        }
      };
  private static final TakenRows.View<CardPayment.Sums> SUMS =
      new TakenRows.View<>() {
        private static final long serialVersionUID = 1;

        @Override
        public long number(CardPayment.Sums row) {
          return row.id();
        }

        @Override
        public double[] values(CardPayment.Sums row) {
          return row.values();
        }
      };
  private static final TakenRows.View<Row> ROW =
      new TakenRows.View<>() {
        private static final long serialVersionUID = 1;

        @Override
        public long number(Row row) {
          return number(row, 0).longValue();
        }

        @Override
        public double[] values(Row row) {
          double[] values = new double[row.getArity() - 1];
          for (int i = 0; i < values.length; i++) {
            values[i] = number(row, i + 1).doubleValue();
          }
          return values;
        }

        private static Number number(Row row, int field) {
          if (row.getField(field) instanceof Number number) {
            return number;
          }
          throw new IllegalStateException("no number in field " + field + " of " + row);
        }
      };

  abstract void define(
      StreamExecutionEnvironment environment, PipelineDefinition pipeline, FeatureRun run);

  /** Whether the rows have windows to check. */
  boolean hasWindows() {
    return this == PELTON || this == SQL || this == BY_HAND;
  }

  private static int every(FeatureRun run) {
    return run.sampleEvery();
  }

  private static DataStream<CardPayment> payments(
      StreamExecutionEnvironment environment, PipelineDefinition pipeline) {
    return environment.fromSource(
        new ReplaySource<>(CardPayment::of),
        watermarks(pipeline),
        SOURCE_NAME,
        TypeInformation.of(CardPayment.class));
  }

  private static DataStream<Incoming> incoming(
      StreamExecutionEnvironment environment, PipelineDefinition pipeline) {
    return environment
        .fromSource(
            new ReplaySource<>(new IncomingForm(pipeline)),
            watermarks(pipeline),
            SOURCE_NAME,
            new IncomingTypeInfo())
        .uid("event-source");
  }

  /** As Pelton's sources give them: behind the newest event by the declared out-of-orderness. */
  private static <T> WatermarkStrategy<T> watermarks(PipelineDefinition pipeline) {
    Long bound = pipeline.events().outOfOrderness();
    return WatermarkStrategy.forBoundedOutOfOrderness(Duration.ofMillis(bound == null ? 0 : bound));
  }

  private static long[] widths(PipelineDefinition pipeline) {
    return pipeline.features().stream()
        .filter(WindowedFeature.class::isInstance)
        .flatMap(feature -> ((WindowedFeature) feature).windows().stream())
        .mapToLong(Window::width)
        .toArray();
  }

  /** Fields to row as Pelton's own sources do it, after decoding. */
  private static final class IncomingForm implements ReplaySource.Form<Incoming> {
    private static final long serialVersionUID = 1;

    private final PipelineDefinition pipeline;
    private transient @Nullable FeaturePlan plan;

    IncomingForm(PipelineDefinition pipeline) {
      this.pipeline = pipeline;
    }

    @Override
    public Incoming of(ReplayedEvents events, long number) {
      if (plan == null) {
        plan = new FeaturePlan(pipeline);
      }
      Object[] fields = {
        number, events.time(number), (long) events.key(number), events.amount(number)
      };
      try {
        FeatureRow row = plan.admit(fields, Long.MAX_VALUE);
        return new Incoming("memory", -1, number, 0, null, null, row, null, List.of());
      } catch (RejectedEventException e) {
        throw new IllegalStateException("the pipeline refuses event " + number, e);
      }
    }
  }

  private static final class PassOn extends KeyedProcessFunction<Long, CardPayment, CardPayment> {
    private static final long serialVersionUID = 1;

    @Override
    public void processElement(CardPayment payment, Context context, Collector<CardPayment> out) {
      out.collect(payment);
    }
  }
}
