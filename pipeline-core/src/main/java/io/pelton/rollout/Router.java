package io.pelton.rollout;

import io.pelton.event.EventSchema;
import io.pelton.expression.Expression;
import io.pelton.expression.ExpressionCompiler;
import io.pelton.expression.ExpressionException;
import io.pelton.pipeline.PipelineDefinition;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Says which version scores an event, by a plan. The same for the same event, always. */
public final class Router {
  /**
   * A version and the part of the plan that gives an event to it.
   *
   * @param index of the choice among all of the plan, from 0 on
   * @param name of the variant or the segment
   */
  public record Choice(int index, String name, int version) {}

  private record Condition(Expression when, Choice choice) {}

  private record Compiled(
      long effectiveFrom, List<Condition> segments, double[] ends, Choice[] variants) {}

  private final Routing routing;
  private final Compiled[] steps;
  private final List<Choice> choices = new ArrayList<>();
  private long failedConditions;

  /**
   * @throws IllegalArgumentException when a segment's condition does not hold for what the pipeline
   *     carries
   */
  public Router(RolloutPlan plan, PipelineDefinition pipeline) {
    routing = new Routing(plan.salt());
    ExpressionCompiler compiler = null;
    List<Compiled> compiled = new ArrayList<>();
    for (Step step : plan.steps()) {
      List<Condition> segments = new ArrayList<>();
      for (Segment segment : step.segments()) {
        compiler = compiler == null ? new ExpressionCompiler(carried(pipeline)) : compiler;
        segments.add(
            new Condition(
                compile(compiler, segment, pipeline), choice(segment.name(), segment.version())));
      }
      Choice[] variants = new Choice[step.variants().size()];
      double[] ends = new double[variants.length];
      double end = 0;
      for (int i = 0; i < variants.length; i++) {
        Variant variant = step.variants().get(i);
        variants[i] = choice(variant.name(), variant.version());
        end += variant.share();
        ends[i] = end;
      }
      compiled.add(new Compiled(step.effectiveFrom(), List.copyOf(segments), ends, variants));
    }
    steps = compiled.toArray(Compiled[]::new);
  }

  private Choice choice(String name, int version) {
    Choice choice = new Choice(choices.size(), name, version);
    choices.add(choice);
    return choice;
  }

  private static EventSchema carried(PipelineDefinition pipeline) {
    Schema events = pipeline.events().schema();
    List<Schema.Field> fields = new ArrayList<>();
    for (String name : pipeline.carry()) {
      Schema.Field field = events.getField(name);
      fields.add(new Schema.Field(name, field.schema(), field.doc()));
    }
    return new EventSchema(
        Schema.createRecord(
            events.getName() + "Carried", null, events.getNamespace(), false, fields));
  }

  private static Expression compile(
      ExpressionCompiler compiler, Segment segment, PipelineDefinition pipeline) {
    try {
      return compiler.truth(segment.when());
    } catch (ExpressionException e) {
      throw new IllegalArgumentException(
          "segment \"%s\": %s: %s; it may read time and what the pipeline carries: %s"
              .formatted(segment.name(), segment.when(), e.getMessage(), pipeline.carry()),
          e);
    }
  }

  /** All choices, by index. */
  public List<Choice> choices() {
    return List.copyOf(choices);
  }

  /** How often a segment's condition had no value, and was taken as not true. */
  public long failedConditions() {
    return failedConditions;
  }

  /**
   * @param key of the event's first entity, or its id where there is no entity
   * @param time the event's, epoch milliseconds
   * @param carried in the pipeline's order
   */
  public Choice choose(String key, long time, @Nullable Object[] carried) {
    Compiled step = steps[0];
    for (int i = 1; i < steps.length && steps[i].effectiveFrom <= time; i++) {
      step = steps[i];
    }
    for (Condition segment : step.segments) {
      if (holds(segment.when, carried, time)) {
        return segment.choice;
      }
    }
    if (step.variants.length == 1) {
      return step.variants[0];
    }
    double point = routing.point(key);
    int last = step.variants.length - 1;
    for (int i = 0; i < last; i++) {
      if (point < step.ends[i]) {
        return step.variants[i];
      }
    }
    return step.variants[last];
  }

  private boolean holds(Expression when, @Nullable Object[] carried, long time) {
    try {
      return when.truth(carried, time);
    } catch (ExpressionException e) {
      failedConditions++;
      return false;
    }
  }
}
