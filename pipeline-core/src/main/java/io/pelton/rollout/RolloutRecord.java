package io.pelton.rollout;

import io.pelton.schemas.ModelCommand;
import io.pelton.schemas.PlanSegment;
import io.pelton.schemas.PlanStep;
import io.pelton.schemas.PlanVariant;
import io.pelton.schemas.RolloutStatus;
import io.pelton.wire.RecordModel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.jspecify.annotations.Nullable;

/** Plans as records of the control topic. */
public final class RolloutRecord {
  private RolloutRecord() {}

  /**
   * @param command what was asked for, in words
   */
  public static ModelCommand of(
      RolloutPlan plan, String command, Instant issuedAt, String issuedBy) {
    return ModelCommand.newBuilder()
        .setModel(plan.model())
        .setRevision(plan.revision())
        .setIssuedAt(issuedAt)
        .setIssuedBy(issuedBy)
        .setCommand(command)
        .setSalt(plan.salt())
        .setPlan(plan.steps().stream().map(RolloutRecord::step).toList())
        .setPrevious(plan.previous() == null ? null : step(plan.previous()))
        .build();
  }

  /**
   * @throws IllegalArgumentException that says what is wrong with a record that is no plan
   */
  public static RolloutPlan plan(ModelCommand command) {
    try {
      return new RolloutPlan(
          command.getModel(),
          command.getRevision(),
          command.getSalt(),
          command.getPlan().stream().map(RolloutRecord::step).toList(),
          command.getPrevious() == null ? null : step(command.getPrevious()));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "revision %d of the plan of model %s: %s"
              .formatted(command.getRevision(), command.getModel(), e.getMessage()),
          e);
    }
  }

  /** Says in a status what is served. */
  public static RolloutStatus.Builder serving(RolloutStatus.Builder status, RolloutPlan plan) {
    return status
        .setServing(plan.words())
        .setServingRevision(plan.revision())
        .setPlan(plan.steps().stream().map(RolloutRecord::step).toList())
        .setPrevious(plan.previous() == null ? null : step(plan.previous()));
  }

  /**
   * What a status says is served.
   *
   * @param salt of the model's plans
   */
  public static RolloutPlan served(RolloutStatus status, String salt) {
    return new RolloutPlan(
        status.getModel(),
        status.getServingRevision(),
        salt,
        status.getPlan().stream().map(RolloutRecord::step).toList(),
        status.getPrevious() == null ? null : step(status.getPrevious()));
  }

  /** A plan as bytes that say their schema. */
  public static byte[] write(RolloutPlan plan) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataFileWriter<ModelCommand> writer =
        new DataFileWriter<>(
            new SpecificDatumWriter<>(
                ModelCommand.getClassSchema(), RecordModel.of(ModelCommand.class)))) {
      writer.create(ModelCommand.getClassSchema(), bytes);
      writer.append(of(plan, "", Instant.EPOCH, ""));
    }
    return bytes.toByteArray();
  }

  /** Reads what {@link #write} wrote, in this version or an earlier one. */
  public static RolloutPlan read(byte[] bytes) throws IOException {
    try (DataFileStream<ModelCommand> reader =
        new DataFileStream<>(
            new ByteArrayInputStream(bytes),
            new SpecificDatumReader<>(
                ModelCommand.getClassSchema(),
                ModelCommand.getClassSchema(),
                RecordModel.of(ModelCommand.class)))) {
      return plan(reader.next());
    }
  }

  private static PlanStep step(Step step) {
    return PlanStep.newBuilder()
        .setEffectiveFrom(
            step.effectiveFrom() == Step.ALWAYS ? null : Instant.ofEpochMilli(step.effectiveFrom()))
        .setVariants(variants(step.variants()))
        .setSegments(
            step.segments().stream()
                .map(segment -> new PlanSegment(segment.name(), segment.when(), segment.version()))
                .toList())
        .setShadows(variants(step.shadows()))
        .build();
  }

  private static List<PlanVariant> variants(List<Variant> variants) {
    return variants.stream()
        .map(variant -> new PlanVariant(variant.name(), variant.version(), variant.share()))
        .toList();
  }

  private static Step step(PlanStep step) {
    @Nullable Instant from = step.getEffectiveFrom();
    return new Step(
        from == null ? Step.ALWAYS : from.toEpochMilli(),
        read(step.getVariants()),
        step.getSegments().stream()
            .map(segment -> new Segment(segment.getName(), segment.getWhen(), segment.getVersion()))
            .toList(),
        read(step.getShadows()));
  }

  private static List<Variant> read(List<PlanVariant> variants) {
    return variants.stream()
        .map(variant -> new Variant(variant.getName(), variant.getVersion(), variant.getShare()))
        .toList();
  }
}
