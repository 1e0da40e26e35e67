package io.pelton.inference.job;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.operators.MailboxExecutor;

/** Holds a subtask's rows back while the versions that served are closed and others are loaded. */
final class Drain {
  private final MailboxExecutor taskThread;
  private final Runnable flush;
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /** Of the task's thread. */
  private boolean drained;

  /**
   * @param flush scores the rows that wait, by the task's thread
   */
  Drain(MailboxExecutor taskThread, Runnable flush) {
    this.taskThread = taskThread;
    this.flush = flush;
  }

  /** Waits until a version serves, and does other work of the task meanwhile. Of its thread. */
  void await() throws InterruptedException {
    while (drained) {
      taskThread.yield();
    }
  }

  /** Versions serve again. Of the task's thread. */
  void end() {
    drained = false;
  }

  /**
   * Returns when no row is in a version and none will be. Of another thread than the task's.
   *
   * @param then by the task's thread
   * @throws CancellationException when the task ends first
   */
  void begin(Runnable then) {
    CompletableFuture<Void> begun = new CompletableFuture<>();
    taskThread.execute(
        () -> {
          flush.run();
          drained = true;
          then.run();
          begun.complete(null);
        },
        "drain the versions that serve");
    CompletableFuture.anyOf(begun, closed).join();
    if (closed.isDone()) {
      throw new CancellationException("the task ends");
    }
  }

  /** Fails the task: nothing serves any more. */
  void fail(String why, Throwable cause) {
    taskThread.execute(
        () -> {
          throw new IOException(why, cause);
        },
        "fail without a version");
  }

  /** Lets go who waits in {@link #begin}. */
  void close() {
    closed.complete(null);
  }
}
