package io.pelton.feature;

import io.pelton.pipeline.PipelineDefinition.Aggregate;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is computed over the events of one entity: which inputs its history keeps, which windows
 * slide over it, and which column each aggregate fills.
 */
public final class EntityPlan implements Serializable {
  private static final long serialVersionUID = 1L;

  /** One aggregate over one window; {@code input} is -1 for a count of events. */
  record Output(int column, Aggregate aggregate, int window, int input, double whenEmpty)
      implements Serializable {}

  /** Covers {@code (t - delay - width, t - delay]}. */
  record Window(long width, long delay) implements Serializable {}

  private final String entity;
  private final int key;
  private final List<String> inputs;
  final int[] positions;
  final long[] widths;
  final long[] delays;
  final Output[] outputs;
  final boolean extremes;
  private final long reach;

  EntityPlan(
      String entity,
      int key,
      List<String> inputs,
      int[] positions,
      List<Window> windows,
      List<Output> outputs) {
    this.entity = entity;
    this.key = key;
    this.inputs = List.copyOf(inputs);
    this.positions = positions.clone();
    widths = windows.stream().mapToLong(Window::width).toArray();
    delays = windows.stream().mapToLong(Window::delay).toArray();
    this.outputs = outputs.toArray(Output[]::new);
    extremes =
        outputs.stream()
            .anyMatch(o -> o.aggregate() == Aggregate.MIN || o.aggregate() == Aggregate.MAX);
    reach = windows.stream().mapToLong(w -> w.width() + w.delay()).max().orElse(0);
  }

  public String entity() {
    return entity;
  }

  /** Position of the entity's key in {@link FeatureRow#keys}. */
  public int key() {
    return key;
  }

  /** Expressions whose values the history keeps, in its order. */
  public List<String> inputs() {
    return inputs;
  }

  /** How far back an event's features look, milliseconds: the widest window and its delay. */
  public long reach() {
    return reach;
  }

  int windows() {
    return widths.length;
  }

  /** Collects the distinct inputs and windows of one entity while a plan is made. */
  static final class Builder {
    private final String entity;
    private final int key;
    private final List<String> inputs = new ArrayList<>();
    private final List<Integer> positions = new ArrayList<>();
    private final List<Window> windows = new ArrayList<>();
    private final List<Output> outputs = new ArrayList<>();

    Builder(String entity, int key) {
      this.entity = entity;
      this.key = key;
    }

    void add(
        int column,
        Aggregate aggregate,
        @Nullable String input,
        int position,
        long width,
        long delay,
        double whenEmpty) {
      int at = -1;
      if (input != null) {
        at = inputs.indexOf(input);
        if (at < 0) {
          at = inputs.size();
          inputs.add(input);
          positions.add(position);
        }
      }
      Window window = new Window(width, delay);
      int index = windows.indexOf(window);
      if (index < 0) {
        index = windows.size();
        windows.add(window);
      }
      outputs.add(new Output(column, aggregate, index, at, whenEmpty));
    }

    EntityPlan build() {
      return new EntityPlan(
          entity,
          key,
          inputs,
          positions.stream().mapToInt(Integer::intValue).toArray(),
          windows,
          outputs);
    }
  }
}
