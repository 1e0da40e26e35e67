package io.pelton.inference.job;

import io.pelton.inference.job.BatchScorer.Outcome;
import io.pelton.inference.job.BatchScorer.Results;
import io.pelton.inference.job.ModelCalls.Call;
import io.pelton.model.FallbackReason;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Safeguards;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The way of a version's batches: to its model, and on from there; or to the fallback when the
 * model cannot score them. Of the task's thread.
 */
final class Inference implements AutoCloseable {
  /** Counts the rows that have come to their end. */
  interface Accounts {
    void add(int scored, int died);
  }

  /**
   * What the versions of a subtask share.
   *
   * @param results take each row's end
   * @param taskThread runs what other threads ask it to
   * @param clock epoch milliseconds
   */
  record Surroundings(
      PipelineDefinition.Model model,
      int maxBatchSize,
      Results results,
      Accounts accounts,
      Consumer<Runnable> taskThread,
      LongSupplier clock) {}

  /** A batch that is being scored. */
  private record Flight(Call call, FlushReason reason) {}

  private final ServedVersion served;
  private final Surroundings around;
  private final Supplier<RowBatch> batches;
  private final BatchScorer scorer;
  private final ModelCalls calls;
  private final CircuitBreaker breaker;
  private Rescue rescue;
  private @Nullable Flight inFlight;
  private @Nullable RowBatch spare;

  /**
   * @param batches makes an empty one
   * @throws IllegalArgumentException when the pipeline declares other outputs than the version has
   */
  Inference(Models.Loaded loaded, Supplier<RowBatch> batches, Surroundings around) {
    this.served = loaded.served();
    this.around = around;
    this.batches = batches;
    Safeguards safeguards = around.model.safeguards();
    scorer =
        new BatchScorer(
            loaded.model(),
            around.maxBatchSize,
            safeguards.breaker() != null || safeguards.fallback() != null);
    breaker = new CircuitBreaker(name(), safeguards.breaker(), around.clock);
    rescue =
        safeguards.fallback() == null || safeguards.fallback().version() != null
            ? Rescue::none
            : new DeclaredOutputs(served, safeguards.fallback().outputs());
    calls = new ModelCalls(loaded, scorer, safeguards.timeout(), around.model.overlap());
  }

  private String name() {
    return served.model() + "@" + served.version();
  }

  /** What becomes of rows that it cannot score; before it serves. */
  void rescuedBy(Rescue other) {
    rescue = other;
  }

  CircuitBreaker.State breakerState() {
    return calls.stuck() ? CircuitBreaker.State.OPEN : breaker.state();
  }

  /**
   * Has a batch scored. Unless the reason says that others must not overtake it, it may be handed
   * on later: then by {@link #settle} at the latest.
   *
   * @return an empty batch for the rows to come
   */
  RowBatch flush(RowBatch full, FlushReason reason, InferenceMetrics measured) {
    settle(measured);
    String refusal = refusal();
    if (refusal != null) {
      int died = rescue(full, FallbackReason.BREAKER_OPEN, refusal, measured);
      measured.flushed(reason, full, died, 0, System.nanoTime(), 0);
      full.clear();
      return full;
    }
    Flight flight = new Flight(calls.begin(full), reason);
    RowBatch next = spare;
    spare = null;
    if (reason.waits() || !around.model.overlap()) {
      land(flight, measured);
    } else {
      inFlight = flight;
      flight
          .call
          .answer()
          .whenComplete(
              (outcome, failure) ->
                  around.taskThread.accept(
                      () -> {
                        if (inFlight == flight) {
                          settle(measured);
                        }
                      }));
    }
    if (next == null) {
      next = spare != null ? spare : batches.get();
      spare = null;
    }
    return next;
  }

  /** Waits for the batch that is being scored, if there is one, and hands it on. */
  void settle(InferenceMetrics measured) {
    Flight flight = inFlight;
    if (flight != null) {
      inFlight = null;
      land(flight, measured);
    }
  }

  /** Waits for the batch and hands it on; it is the spare one then, unless it is still in use. */
  private void land(Flight flight, InferenceMetrics measured) {
    RowBatch batch = flight.call.batch();
    int size = batch.size();
    Outcome outcome = calls.await(flight.call, around.clock.getAsLong());
    long waitedNanos = System.nanoTime() - flight.call.startNanos();
    int died;
    if (outcome == null) {
      measured.timeouts.increment();
      died = fail(batch, FallbackReason.TIMEOUT, tooLong(size), measured);
    } else if (outcome.failure() != null) {
      died = fail(batch, FallbackReason.FAILED, scoresNothing(size, outcome), measured);
    } else {
      breaker.succeeded();
      died = outcome.died();
      scorer.handOn(batch, around.results);
      around.accounts.add(size - died, died);
    }
    measured.flushed(
        flight.reason,
        batch,
        died,
        outcome == null ? 1 : outcome.errors(),
        flight.call.startNanos(),
        outcome == null ? waitedNanos : outcome.computeNanos());
    if (outcome != null) {
      batch.clear();
      spare = batch;
    }
  }

  private int fail(RowBatch batch, FallbackReason reason, String why, InferenceMetrics measured) {
    breaker.failed(why);
    measured.failedBatches.increment();
    return rescue(batch, reason, why, measured);
  }

  private String tooLong(int size) {
    return "%s: a batch of %d rows took longer than model.timeout, %d ms"
        .formatted(name(), size, around.model.safeguards().timeout());
  }

  private String scoresNothing(int size, Outcome outcome) {
    return "%s can score neither a batch of %d rows nor a row of zeros: %s"
        .formatted(name(), size, outcome.failure());
  }

  private @Nullable String refusal() {
    String busy = calls.busy();
    return busy != null ? busy : breaker.refusal();
  }

  private int rescue(RowBatch rows, FallbackReason reason, String why, InferenceMetrics measured) {
    int died = rescue.rescue(rows, reason, why, around.results);
    int scored = rows.size() - died;
    measured.fallbacks(reason, scored);
    around.accounts.add(scored, died);
    return died;
  }

  /**
   * Scores rows that were meant for another version, as the fallback of that one.
   *
   * @param own the rows for this version
   * @param meant the same as they were meant
   * @return how many died
   */
  int scoreFor(
      RowBatch own, RowBatch meant, FallbackReason reason, String why, InferenceMetrics measured) {
    settle(measured);
    String problem = refusal();
    if (problem == null) {
      Outcome outcome = calls.await(calls.begin(own), around.clock.getAsLong());
      if (outcome != null && outcome.failure() == null) {
        breaker.succeeded();
        scorer.handOn(own, meant, reason, why, around.results);
        measured.errors.increment(outcome.errors());
        return outcome.died();
      }
      if (outcome == null) {
        measured.timeouts.increment();
      }
      problem = outcome == null ? tooLong(own.size()) : scoresNothing(own.size(), outcome);
      breaker.failed(problem);
      measured.failedBatches.increment();
    }
    return Rescue.none(meant, reason, why + "; the fallback: " + problem, around.results);
  }

  @Override
  public void close() {
    calls.close();
  }
}
