package io.pelton.cli;

import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.job.LogCompaction;
import io.pelton.job.LogCompaction.Compacted;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "compact-log",
    description =
        "Merges the small files of a feature log's closed dates into one a date, ordered by time"
            + " and id.",
    mixinStandardHelpOptions = true)
final class CompactLogCommand implements Callable<Integer> {
  @Option(
      names = "--log",
      required = true,
      paramLabel = "DIR",
      description = "The feature log: what feature-log: or --feature-log names.")
  private String log = "";

  /** Which dates are closed. */
  static final class Dates {
    @Option(
        names = "--before",
        paramLabel = "DATE",
        description = "Dates before this one, UTC; default: before yesterday.")
    @Nullable String before;

    @Option(names = "--all", description = "All dates, those that jobs still write to among them.")
    boolean all;
  }

  @ArgGroup private @Nullable Dates dates;

  @Option(
      names = "--parallelism",
      paramLabel = "N",
      description = "Subtasks that read files; default one a core.")
  private int parallelism = Runtime.getRuntime().availableProcessors();

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  private final Clock clock;

  CompactLogCommand() {
    this(Clock.systemUTC());
  }

  /**
   * @param clock tells what yesterday was
   */
  CompactLogCommand(Clock clock) {
    this.clock = clock;
  }

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    if (parallelism < 1) {
      throw new InputException("--parallelism is " + parallelism + "; it must be 1 or more");
    }
    LocalDate before = before();
    List<LocalDate> due;
    try {
      due = LogCompaction.due(log, before);
    } catch (IOException e) {
      throw new InputException(e);
    }
    if (due.isEmpty()) {
      out.println(
          "nothing to compact" + (before == null ? "" : " before " + before) + " in " + log);
      out.flush();
      return 0;
    }
    try {
      LocalBatch.run(
          parallelism,
          session -> {
            for (LocalDate date : due) {
              Compacted compacted =
                  LogCompaction.compact(
                      log, date, job -> session.run("compact " + date, job::define));
              out.println("  " + describe(compacted));
              out.flush();
            }
          });
    } catch (InterruptedException e) {
      out.println("stopped; dates not named above are as they were");
      out.flush();
      return Pelton.INTERRUPTED;
    }
    return 0;
  }

  /** Null for all dates. */
  private @Nullable LocalDate before() throws InputException {
    if (dates != null && dates.all) {
      return null;
    }
    if (dates == null || dates.before == null) {
      return LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC).minusDays(1);
    }
    try {
      return LocalDate.ofInstant(
          Instant.ofEpochMilli(EventSchema.parseTime(dates.before)), ZoneOffset.UTC);
    } catch (EventFormatException e) {
      throw new InputException("--before: " + e.getMessage());
    }
  }

  private static String describe(Compacted compacted) {
    if (compacted.merged() == 0) {
      return "%s: removed %d files that an interrupted run had left"
          .formatted(compacted.date(), compacted.deleted());
    }
    return "%s: %,d rows of %,d %s in %d"
        .formatted(
            compacted.date(),
            compacted.rows(),
            compacted.files(),
            compacted.files() == 1 ? "file" : "files",
            compacted.merged());
  }
}
