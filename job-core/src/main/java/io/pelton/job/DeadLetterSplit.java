package io.pelton.job;

import io.pelton.schemas.DeadLetter;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.types.Either;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Rows to the main output, dead letters to the side. */
final class DeadLetterSplit<T> extends ProcessFunction<Either<T, DeadLetter>, T> {
  private static final long serialVersionUID = 1;

  static final OutputTag<DeadLetter> DEAD_LETTERS =
      new OutputTag<>("dead-letters", new SpecificRecordTypeInfo<>(DeadLetter.class));

  @Override
  public void processElement(Either<T, DeadLetter> record, Context context, Collector<T> out) {
    if (record.isLeft()) {
      out.collect(record.left());
    } else {
      context.output(DEAD_LETTERS, record.right());
    }
  }
}
