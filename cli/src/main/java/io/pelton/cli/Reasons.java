package io.pelton.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** Why something failed, in words for whoever ran it. */
final class Reasons {
  /** Where Flink wraps what a job threw, and says no more than that it failed. */
  private static final List<String> WRAPPING =
      List.of(
          "org.apache.flink.client.",
          "org.apache.flink.connector.base.",
          "org.apache.flink.runtime.",
          "org.apache.flink.state.",
          "org.apache.flink.streaming.");

  private Reasons() {}

  /**
   * The messages of an exception and its causes, without those that Flink puts around what a job
   * threw, and those that only repeat the next; never empty.
   */
  static List<String> of(Throwable e) {
    List<String> reasons = new ArrayList<>();
    String last = "";
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      String message = message(cause);
      Throwable next = cause.getCause();
      boolean repeats =
          last.contains(message)
              || (next != null
                  && (message.equals(next.toString()) || message.equals(next.getMessage())));
      if (!repeats && !(next != null && wraps(cause))) {
        reasons.add(message);
        last = message;
      }
    }
    return reasons.isEmpty() ? List.of(message(e)) : reasons;
  }

  private static String message(Throwable e) {
    String message = e.getMessage();
    return message == null || message.isBlank() ? e.getClass().getSimpleName() : message;
  }

  private static boolean wraps(Throwable e) {
    if (e instanceof ExecutionException || e instanceof CompletionException) {
      return true;
    }
    StackTraceElement[] trace = e.getStackTrace();
    String thrower = trace.length == 0 ? "" : trace[0].getClassName();
    return WRAPPING.stream().anyMatch(thrower::startsWith);
  }
}
