package io.pelton.inference.job;

import io.pelton.pipeline.MemoryBudget;
import io.pelton.pipeline.MemorySize;
import java.util.ArrayList;
import java.util.List;

/** What the versions that a subtask has loaded take, within its budget. For any thread. */
final class HeldMemory {
  private record Part(String holder, long bytes) {}

  private final MemoryBudget budget;
  private final List<Part> parts = new ArrayList<>();

  HeldMemory(MemoryBudget budget) {
    this.budget = budget;
  }

  MemoryBudget budget() {
    return budget;
  }

  /** Whether so many bytes more are within the budget. */
  synchronized boolean fits(long bytes) {
    return budget.bytes() == 0 || sum() + bytes <= budget.bytes();
  }

  /**
   * @param holder a version, as messages name it
   * @return gives it back
   * @throws OverBudgetException when it does not fit
   */
  synchronized Runnable take(String holder, long bytes) throws OverBudgetException {
    if (!fits(bytes)) {
      throw refusal(holder, bytes);
    }
    Part part = new Part(holder, bytes);
    parts.add(part);
    return () -> giveBack(part);
  }

  private synchronized void giveBack(Part part) {
    parts.remove(part);
  }

  synchronized long sum() {
    return parts.stream().mapToLong(Part::bytes).sum();
  }

  private String waysOut(long bytes) {
    // What does not fit alone does not fit when others are closed for it.
    return budget.switching() == MemoryBudget.Switching.LOAD_THEN_SWITCH && bytes <= budget.bytes()
        ? "raise model.memory, import the version with the --memory that it takes, or let rows"
            + " wait while versions change by model.switch: drain-then-load"
        : "raise model.memory, or import the version with the --memory that it takes";
  }

  private OverBudgetException refusal(String holder, long bytes) {
    List<String> others =
        parts.stream().map(part -> part.holder + " " + new MemorySize(part.bytes)).toList();
    return new OverBudgetException(
        "%s takes %s of memory; of the %s that a subtask's versions may take (model.memory)%s; %s"
            .formatted(
                holder,
                new MemorySize(bytes),
                new MemorySize(budget.bytes()),
                others.isEmpty()
                    ? ", that is too much"
                    : " %s are taken: %s"
                        .formatted(new MemorySize(sum()), String.join(", ", others)),
                waysOut(bytes)));
  }
}
