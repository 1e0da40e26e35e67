package io.pelton.benchmarks;

import io.pelton.feature.Block;
import io.pelton.feature.BlockStore;
import io.pelton.feature.EntityHistory;
import io.pelton.feature.EntityPlan;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineFile;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * What one pipeline's features cost, without Flink, in one thread: a process of its own. 2,000
 * keys, each with an event in 7.7 hours on average, 94 in 30 days, in random turns.
 */
final class AggregateCosts {
  static final String RESULT = "costs ";
  private static final int KEYS = 2_000;
  private static final long GAP = 27_574_468L / KEYS;
  private static final int WARM_UP = 600_000;
  private static final int EVENTS = 400_000;

  private AggregateCosts() {}

  /** Sealed blocks of a key. */
  private static final class Blocks implements BlockStore {
    private final Map<Long, Block> held = new HashMap<>();

    @Override
    public @Nullable Block get(long number) {
      return held.get(number);
    }

    @Override
    public void put(long number, Block block) {
      held.put(number, block);
    }

    @Override
    public void remove(long number) {
      held.remove(number);
    }
  }

  /**
   * @param arguments a pipeline file
   */
  public static void main(String[] arguments) throws Exception {
    FeaturePlan plan = new FeaturePlan(PipelineFile.read(Path.of(arguments[0])));
    List<EntityPlan> entities = plan.entities();
    EntityHistory[][] histories = new EntityHistory[entities.size()][KEYS];
    Blocks[][] blocks = new Blocks[entities.size()][KEYS];
    Random random = new Random(1);
    long time = 1_500_000_000_000L;
    long nanos = 0;
    for (int i = 0; i < WARM_UP + EVENTS; i++) {
      time += random.nextInt((int) (2 * GAP));
      int key = random.nextInt(KEYS);
      Object[] fields = {(long) i, time, (long) key, random.nextInt(50_000) / 100.0};
      FeatureRow row = plan.admit(fields, Long.MAX_VALUE);
      long start = System.nanoTime();
      for (int e = 0; e < entities.size(); e++) {
        if (histories[e][key] == null) {
          histories[e][key] = new EntityHistory(entities.get(e).layout());
          blocks[e][key] = new Blocks();
        }
        histories[e][key].update(entities.get(e), row, blocks[e][key], 0, time);
      }
      nanos += i < WARM_UP ? 0 : System.nanoTime() - start;
    }
    long bytes = 0;
    for (int e = 0; e < entities.size(); e++) {
      for (int key = 0; key < KEYS; key++) {
        bytes += bytes(histories[e][key], blocks[e][key]);
      }
    }
    System.out.println(RESULT + bytes / KEYS + " " + nanos / EVENTS);
  }

  private static long bytes(EntityHistory history, Blocks blocks) throws IOException {
    DataOutputStream out = new DataOutputStream(OutputStream.nullOutputStream());
    history.write(out);
    for (Block block : blocks.held.values()) {
      block.write(out);
    }
    return out.size();
  }
}
