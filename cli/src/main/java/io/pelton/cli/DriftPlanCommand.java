package io.pelton.cli;

import io.pelton.drift.BaselineProfile;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Thresholds;
import io.pelton.drift.compare.ReferenceFiles;
import io.pelton.drift.plan.Column;
import io.pelton.drift.plan.ColumnPlan;
import io.pelton.drift.plan.ColumnPlan.Change;
import io.pelton.drift.plan.DriftPlan;
import io.pelton.drift.plan.Request;
import io.pelton.job.FlinkStorage;
import io.pelton.job.InputFiles;
import io.pelton.job.JobOptions;
import io.pelton.pipeline.Drift;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.registry.ModelVersion;
import io.pelton.registry.NearestName;
import io.pelton.registry.Registry;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Tells what the drift section of a pipeline file will do. */
@Command(
    name = "plan",
    description =
        "Says how often the drift settings of a pipeline file will alarm by chance and the smallest"
            + " change that they will show, and suggests a window and thresholds.",
    mixinStandardHelpOptions = true)
final class DriftPlanCommand implements Callable<Integer> {
  private static final double SECOND = 1_000;
  private static final double HOUR = 3_600 * SECOND;
  private static final double DAY = 24 * HOUR;
  private static final double YEAR = 365.25 * DAY;

  /** Beyond it nobody waits for it. */
  private static final double MOST_YEARS = 1_000;

  /** A smaller one is any: most values are one, which it moves. */
  private static final double LEAST_SHIFT = 0.0005;

  /** How the plan is told. */
  enum Format {
    TEXT,
    JSON
  }

  /** How many rows a window has. */
  static final class Volume {
    @Option(
        names = "--rows-per-window",
        paramLabel = "N",
        description = "Rows that a window has; of several, the first.")
    private @Nullable Double rows;

    @Option(
        names = "--events-per-second",
        paramLabel = "X",
        description = "Rows that come in a second, on average.")
    private @Nullable Double perSecond;
  }

  @Option(
      names = "--pipeline",
      required = true,
      paramLabel = "FILE",
      description = "The pipeline file.")
  private Path pipelineFile = Path.of("");

  @Option(
      names = "--baseline",
      paramLabel = "FILES",
      description =
          "The reference: paths and globs of .csv and .avro files, plain or .gz, and .parquet;"
              + " repeatable. Default: the profile that was published with the model.")
  private List<String> baseline = new ArrayList<>();

  @Option(
      names = "--columns",
      split = ",",
      paramLabel = "NAME",
      description = "Columns of the files; default the model's features that they have.")
  private List<String> columns = new ArrayList<>();

  @Option(
      names = "--categorical",
      split = ",",
      paramLabel = "NAME",
      description = "Columns of the files whose numbers are categories.")
  private Set<String> categorical = new LinkedHashSet<>();

  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "The model registry; replaces the pipeline file's.")
  private @Nullable String registry;

  @Option(
      names = "--model",
      paramLabel = "NAME[@VERSION]",
      description = "A version or alias; else the champion of the pipeline's model.")
  private @Nullable String model;

  @ArgGroup private Volume volume = new Volume();

  @Option(
      names = "--groups",
      paramLabel = "N",
      description =
          "Segments times versions that are decided on together, each with so many rows; default"
              + " ${DEFAULT-VALUE}.")
  private int groups = 1;

  @Option(
      names = "--design-effect",
      paramLabel = "X",
      description =
          "By how much rows say less because keys repeat: 1 + (c - 1) ρ for c rows a key with"
              + " correlation ρ; default ${DEFAULT-VALUE}.")
  private double designEffect = 1;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description = "text or json; default ${DEFAULT-VALUE}.")
  private Format format = Format.TEXT;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PipelineDefinition pipeline = PipelineFile.read(pipelineFile);
    Drift drift = pipeline.drift();
    if (drift == null) {
      throw new InputException(
          pipelineFile + ": has no drift section; write one, with a window, and plan again");
    }
    List<DriftPlan> plans = new ArrayList<>();
    try {
      List<Column> reference = reference(pipeline, drift);
      for (Request request : requests(drift)) {
        plans.add(DriftPlan.of(reference, request));
      }
    } catch (IllegalArgumentException | IOException e) {
      throw new InputException(e);
    }
    PrintWriter out = spec.commandLine().getOut();
    if (format == Format.JSON) {
      out.println(
          plans.stream().map(DriftPlan::toJson).collect(Collectors.joining(", ", "[ ", " ]")));
    } else {
      for (DriftPlan plan : plans) {
        print(pipeline.name(), plan, out);
      }
      if (drift.previous() != null) {
        out.println(
            "\nthe drift section compares with the time before, of fewer rows than the reference"
                + " here: more is needed to be seen");
      }
    }
    out.flush();
    return 0;
  }

  /** The one place that reads the drift section: a request for each of its windows. */
  private List<Request> requests(Drift drift) {
    List<Request> requests = new ArrayList<>();
    for (Drift.Window window : drift.windows()) {
      double rows = drift.minimumCount();
      if (volume.rows != null) {
        rows = volume.rows * window.width() / drift.window();
      } else if (volume.perSecond != null) {
        rows = volume.perSecond * window.width() / SECOND;
      }
      requests.add(
          new Request(
              window.width(),
              window.every(),
              rows,
              groups,
              designEffect,
              drift.thresholds(),
              drift.minimumCount(),
              drift.persistence()));
    }
    return requests;
  }

  private List<Column> reference(PipelineDefinition pipeline, Drift drift) throws IOException {
    return baseline.isEmpty() ? published(pipeline) : files(pipeline, drift.edges());
  }

  private List<Column> published(PipelineDefinition pipeline) throws IOException {
    Registry versions =
        new Registry(FlinkStorage.open(JobOptions.registry(registry, pipeline, pipelineFile)));
    PipelineDefinition.Model own = pipeline.model();
    ModelVersion version =
        versions.resolve(model != null || own == null ? String.valueOf(model) : own.name());
    BaselineProfile profile =
        BaselineProfile.fromJson(
            versions
                .profileJson(version.model(), version.version())
                .orElseThrow(
                    () ->
                        new IllegalArgumentException(
                            "%s in %s was published without a baseline profile; give its training"
                                    .formatted(version, versions.location())
                                + " set with --baseline")));
    return Stream.<FeatureProfile>concat(profile.features().stream(), profile.outputs().stream())
        .<Column>map(Column.Numbers::new)
        .toList();
  }

  private List<Column> files(PipelineDefinition pipeline, int edges) throws IOException {
    Set<org.apache.flink.core.fs.Path> files = new LinkedHashSet<>();
    for (String input : baseline) {
      List<org.apache.flink.core.fs.Path> found = InputFiles.expand(input);
      if (found.isEmpty()) {
        throw new IOException("--baseline: no file matches \"%s\"".formatted(input));
      }
      files.addAll(found);
    }
    List<org.apache.flink.core.fs.Path> paths = List.copyOf(files);
    List<String> names = ReferenceFiles.names(paths);
    for (String column : columns) {
      if (!names.contains(column)) {
        throw new IllegalArgumentException(
            "the baseline has no column \"%s\"%s"
                .formatted(column, NearestName.hint(column, names)));
      }
    }
    List<String> features = pipeline.modelFeatures();
    List<String> wanted =
        columns.isEmpty() ? names.stream().filter(features::contains).toList() : columns;
    if (wanted.isEmpty()) {
      throw new IllegalArgumentException(
          "the baseline has none of the model's features %s, but %s; name columns with --columns"
              .formatted(features, names));
    }
    return ReferenceFiles.read(paths, wanted, categorical, edges);
  }

  private static void print(String pipeline, DriftPlan plan, PrintWriter out) {
    Request request = plan.request();
    Thresholds thresholds = request.thresholds();
    out.printf(
        Locale.ROOT,
        "%s: windows of %s%s with %,.0f rows, %d columns%s%s%n",
        pipeline,
        duration(request.window()),
        request.every() == request.window() ? "" : " every " + duration(request.every()),
        request.rows(),
        plan.columns().size(),
        request.groups() == 1 ? "" : " in %d groups".formatted(request.groups()),
        request.designEffect() == 1 ? "" : ", design effect " + request.designEffect());
    out.printf(
        "drift is adjusted PSI %s or KS %s (V %s of categories), and q at most %s; an alert, %d of"
            + " the last %d windows%n",
        thresholds.psi(),
        thresholds.ks(),
        thresholds.cramersV(),
        thresholds.level(),
        request.persistence().k(),
        request.persistence().n());
    if (request.rows() < request.minimumCount()) {
      out.printf(
          Locale.ROOT,
          "NOTHING WILL BE DECIDED: windows have %,.0f rows, and minimum-count is %,d%n",
          request.rows(),
          request.minimumCount());
    }
    out.printf("%nwhere nothing drifts%n");
    out.printf("  a window has a drifted column: %s%n", oneIn(plan.windowRate(), "windows"));
    out.printf("  an alert opens: %s%n", every(plan.falseAlarmEvery()));
    for (DriftPlan.ByColumns other : plan.byColumns()) {
      out.printf(
          "    with %d such column%s: %s%n",
          other.columns(), other.columns() == 1 ? "" : "s", every(other.falseAlarmEvery()));
    }
    out.printf(
        "%nwhat is seen with probability %s, in one window, and within %d windows%n",
        plan.wanted(), request.persistence().n());
    printColumns(plan, out);
    out.printf("%nsuggestions%n");
    printSuggestions(plan, out);
  }

  private static void printColumns(DriftPlan plan, PrintWriter out) {
    List<String[]> table = new ArrayList<>();
    table.add(
        new String[] {
          "COLUMN",
          "REFERENCE",
          "CHANGE",
          "ONE WINDOW",
          "WITHIN",
          "DISTANCE",
          "PSI",
          "GOES MISSING",
          "WITHIN",
          "BINDING"
        });
    for (ColumnPlan column : plan.columns()) {
      Change change = column.oneWindow();
      boolean numeric = column.kind() == ColumnPlan.Kind.NUMERIC;
      table.add(
          new String[] {
            column.name(),
            String.format(Locale.ROOT, "%,d", column.rows()),
            numeric ? "shift" : "new value",
            size(numeric, change),
            size(numeric, column.persisting()),
            change == null ? "–" : (numeric ? "KS " : "V ") + digits(change.distance()),
            change == null ? "–" : digits(change.psi()),
            share(column.missingInOneWindow()),
            share(column.missingPersisting()),
            column.binding().name().toLowerCase(Locale.ROOT)
          });
    }
    TextTable.print(out, table);
  }

  private static void printSuggestions(DriftPlan plan, PrintWriter out) {
    Request request = plan.request();
    DriftPlan.Suggestion suggestion = plan.suggestion();
    Long minimum = suggestion.minimumCount();
    if (minimum == null) {
      out.println(
          "  the reference has too few rows: an effect at its threshold is never significant; give"
              + " a larger one");
    } else {
      out.printf(
          Locale.ROOT,
          "  minimum-count: %,d, from which an effect at its threshold is significant in every"
              + " column (now %,d)%n",
          minimum,
          request.minimumCount());
    }
    Double least = suggestion.leastKs();
    if (least != null) {
      out.printf(
          Locale.ROOT,
          "  thresholds: ks below %.3f changes nothing with so few rows, for significance asks as"
              + " much (now %s)%n",
          least,
          request.thresholds().ks());
    }
    Long window = suggestion.window();
    if (window != null) {
      out.printf(
          "  window: %s, the narrowest with rows enough and an alert by chance in 90 days at most"
              + " (now %s)%n",
          duration(window), duration(request.window()));
    } else if (minimum != null) {
      out.println(
          "  window: none up to a week has rows enough and an alert by chance in 90 days at most;"
              + " ask for more windows (persistence), or a lower level");
    }
  }

  private static String size(boolean numeric, @Nullable Change change) {
    if (change == null) {
      return "nothing";
    }
    if (!numeric) {
      return share((Double) change.size());
    }
    return change.size() < LEAST_SHIFT
        ? "any"
        : String.format(Locale.ROOT, "%.3f σ", change.size());
  }

  private static String share(@Nullable Double share) {
    return share == null ? "nothing" : String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }

  private static String digits(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  private static String oneIn(double rate, String what) {
    return rate < 1e-12
        ? "as good as never"
        : String.format(Locale.ROOT, "1 in %,.0f %s", 1 / rate, what);
  }

  private static String every(@Nullable Double milliseconds) {
    return milliseconds == null || milliseconds > MOST_YEARS * YEAR
        ? "less often than once in %,.0f years".formatted(MOST_YEARS)
        : "once in %s, or less often".formatted(duration(milliseconds));
  }

  private static String duration(double milliseconds) {
    if (milliseconds >= 2 * YEAR) {
      return number(milliseconds / YEAR) + " years";
    }
    if (milliseconds >= 2 * DAY) {
      return number(milliseconds / DAY) + " days";
    }
    return milliseconds >= HOUR
        ? number(milliseconds / HOUR) + " h"
        : number(milliseconds / SECOND / 60) + " min";
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, value == Math.rint(value) ? "%,.0f" : "%,.1f", value);
  }
}
