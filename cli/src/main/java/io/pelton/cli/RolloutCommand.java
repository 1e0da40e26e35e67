package io.pelton.cli;

import io.pelton.job.AuditTopic;
import io.pelton.job.ControlTopic;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaSettings;
import io.pelton.job.StatusTopic;
import io.pelton.job.TopicOptions;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Segment;
import io.pelton.rollout.Step;
import io.pelton.rollout.Variant;
import io.pelton.schemas.RolloutAudit;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code pelton rollout}: changes what running jobs serve, by the control topic. */
@Command(
    name = "rollout",
    description =
        "Changes what running jobs serve: deploy, canary, ab, promote, rollback, segment, shadow;"
            + " tells what they do: status, history.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
final class RolloutCommand implements Runnable {
  private static final List<Topic> TOPICS =
      List.of(Topic.CONTROL, Topic.STATUS, Topic.AUDIT, Topic.SCHEMAS);
  private static final Pattern VARIANT =
      Pattern.compile("([^=:]+)=([1-9]\\d{0,8}):(\\d+(?:\\.\\d+)?)");

  @Spec private CommandSpec command;

  @SuppressWarnings("NullAway.Init") // picocli sets the fields
  RolloutCommand() {}

  /** Where a change is made, and whether to wait for what becomes of it. */
  static final class Place {
    @Mixin private TopicOptions kafka = new TopicOptions();

    @Option(
        names = "--registry",
        paramLabel = "DIR",
        description = "The model registry; replaces the pipeline file's.")
    private @Nullable String registry;

    @Option(
        names = "--wait",
        paramLabel = "TIME",
        converter = WaitTime.class,
        description =
            "How long to wait for all running jobs to serve the change or to refuse it; default"
                + " 30s. One that is refused is taken back.")
    private Duration wait = Duration.ofSeconds(30);

    @Option(names = "--no-wait", description = "Do not wait for the jobs.")
    private boolean noWait;
  }

  /** From when on a change holds. */
  static final class Effective {
    @Option(
        names = "--effective-from",
        paramLabel = "TIME",
        description =
            "Event time from which on the change holds, ahead of the newest event: a UTC date or an"
                + " instant. Without it a change holds at once.")
    private @Nullable String from;

    long from() throws InputException {
      Long time = BatchRun.time("--effective-from", from);
      return time == null ? Step.ALWAYS : time;
    }

    String words() throws InputException {
      return from == null ? "" : " from " + Instant.ofEpochMilli(from());
    }
  }

  /** {@code 500ms}, {@code 30s} or {@code 2m}. */
  static final class WaitTime implements ITypeConverter<Duration> {
    private static final Pattern TIME = Pattern.compile("(\\d{1,9})(ms|s|m)");
    private static final Map<String, Duration> UNITS =
        Map.of("ms", Duration.ofMillis(1), "s", Duration.ofSeconds(1), "m", Duration.ofMinutes(1));

    @Override
    public Duration convert(String text) {
      Matcher parts = TIME.matcher(text);
      if (!parts.matches()) {
        throw new CommandLine.TypeConversionException(
            "\"%s\" is no time; write 500ms, 30s or 2m".formatted(text));
      }
      return UNITS
          .getOrDefault(parts.group(2), Duration.ZERO)
          .multipliedBy(Long.parseLong(parts.group(1)));
    }
  }

  /** The number of a version, as {@code pelton model list} shows it. */
  static final class VersionNumber implements ITypeConverter<Integer> {
    private static final Pattern NUMBER = Pattern.compile("[1-9]\\d{0,8}");

    @Override
    public Integer convert(String text) {
      if (!NUMBER.matcher(text).matches()) {
        throw new CommandLine.TypeConversionException(
            "\"%s\" is no version; write its number, as 2: pelton model list shows them"
                .formatted(text));
      }
      return Integer.valueOf(text);
    }
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        command.commandLine(),
        "Missing command: one of deploy, canary, ab, promote, rollback, segment, shadow, status, history");
  }

  @Command(
      description = "Lets a version score all events that no segment takes.",
      mixinStandardHelpOptions = true)
  int deploy(
      @Mixin Place place,
      @Mixin Effective effective,
      @Parameters(paramLabel = "VERSION", converter = VersionNumber.class) int version)
      throws Exception {
    long from = effective.from();
    return make(
        place,
        "deploy @" + version + effective.words(),
        List.of(version),
        true,
        plan -> plan.deploy(version, from));
  }

  @Command(
      description =
          "Lets a version score a part of the entities; they keep it when the part grows.",
      mixinStandardHelpOptions = true)
  int canary(
      @Mixin Place place,
      @Mixin Effective effective,
      @Parameters(paramLabel = "VERSION", converter = VersionNumber.class) int version,
      @Option(
              names = "--percent",
              required = true,
              paramLabel = "P",
              description = "Of the entities, above 0 and below 100.")
          double percent)
      throws Exception {
    if (!(percent > 0 && percent < 100)) {
      throw new InputException(
          "--percent %s: it must be above 0 and below 100; to let the version score all, use deploy or promote"
              .formatted(percent));
    }
    long from = effective.from();
    return make(
        place,
        "canary @%d %s%s".formatted(version, Step.percent(percent / 100), effective.words()),
        List.of(version),
        false,
        plan -> plan.canary(version, percent / 100, from));
  }

  @Command(
      description = "Lets named variants share the entities: a=3:50 b=4:50.",
      mixinStandardHelpOptions = true)
  int ab(
      @Mixin Place place,
      @Mixin Effective effective,
      @Parameters(paramLabel = "NAME=VERSION:PERCENT", arity = "1..*") List<String> variants)
      throws Exception {
    List<Variant> parsed = variants(variants);
    long from = effective.from();
    return make(
        place,
        "ab " + String.join(" ", variants) + effective.words(),
        parsed.stream().map(Variant::version).toList(),
        false,
        plan -> plan.ab(parsed, from));
  }

  private static List<Variant> variants(List<String> texts) throws InputException {
    List<Variant> parsed = new ArrayList<>();
    for (String text : texts) {
      Matcher parts = VARIANT.matcher(text);
      if (!parts.matches()) {
        throw new InputException(
            "\"%s\" is no variant; write NAME=VERSION:PERCENT, as b=4:50".formatted(text));
      }
      try {
        parsed.add(
            new Variant(
                parts.group(1),
                Integer.parseInt(parts.group(2)),
                Double.parseDouble(parts.group(3)) / 100));
      } catch (IllegalArgumentException e) {
        throw new InputException(
            "\"%s\": the percent must be above 0 and at most 100".formatted(text));
      }
    }
    double sum = parsed.stream().mapToDouble(Variant::share).sum();
    if (Math.abs(sum - 1) > 1e-9) {
      throw new InputException(
          "the percents of %s add up to %s; they must add up to 100 %%"
              .formatted(String.join(" ", texts), Step.percent(sum)));
    }
    return parsed;
  }

  @Command(
      description = "Lets a variant score all events that no segment takes, as champion.",
      mixinStandardHelpOptions = true)
  int promote(
      @Mixin Place place,
      @Mixin Effective effective,
      @Parameters(
              paramLabel = "VARIANT",
              arity = "0..1",
              defaultValue = Variant.CANARY,
              description = "Default: ${DEFAULT-VALUE}.")
          String variant)
      throws Exception {
    long from = effective.from();
    return make(
        place,
        "promote " + variant + effective.words(),
        List.of(),
        true,
        plan -> plan.promote(variant, from));
  }

  @Command(
      description = "Returns to what was served before the last change, at once.",
      mixinStandardHelpOptions = true)
  int rollback(@Mixin Place place) throws Exception {
    return make(place, Rollout.Change.ROLLBACK, List.of(), true, RolloutPlan::rollback);
  }

  @Command(
      description = "Lets a version score the events that a condition holds for.",
      mixinStandardHelpOptions = true)
  int segment(
      @Mixin Place place,
      @Mixin Effective effective,
      @Parameters(index = "0", paramLabel = "NAME") String name,
      @Parameters(
              index = "1",
              arity = "0..1",
              paramLabel = "VERSION",
              converter = VersionNumber.class)
          @Nullable Integer version,
      @Option(
              names = "--when",
              paramLabel = "EXPRESSION",
              description = "On time and what the pipeline carries.")
          @Nullable String when,
      @Option(names = "--off", description = "End the segment.") boolean off)
      throws Exception {
    long from = effective.from();
    if (off == (version != null || when != null) || !off && (version == null || when == null)) {
      throw new InputException(
          "segment %s: give VERSION and --when EXPRESSION, or --off to end it".formatted(name));
    }
    if (version == null || when == null) {
      return make(
          place,
          "end segment " + name + effective.words(),
          List.of(),
          false,
          plan -> plan.endSegment(name, from));
    }
    return make(
        place,
        "segment %s @%d where %s%s".formatted(name, version, when, effective.words()),
        List.of(version),
        false,
        plan -> plan.segment(new Segment(name, when, version), from));
  }

  @Command(
      description = "Scores with a version beside what serves, to see what it would say.",
      mixinStandardHelpOptions = true)
  int shadow(
      @Mixin Place place,
      @Mixin Effective effective,
      @Parameters(index = "0", paramLabel = "NAME") String name,
      @Parameters(
              index = "1",
              arity = "0..1",
              paramLabel = "VERSION",
              converter = VersionNumber.class)
          @Nullable Integer version,
      @Option(
              names = "--percent",
              paramLabel = "P",
              description = "Of the entities, above 0 and at most 100; default 100.")
          @Nullable Double percent,
      @Option(names = "--off", description = "End the shadow.") boolean off)
      throws Exception {
    long from = effective.from();
    if (off == (version != null) || (off && percent != null)) {
      throw new InputException(
          "shadow %s: give VERSION, with --percent P for a part of the entities, or --off to end it"
              .formatted(name));
    }
    if (version == null) {
      return make(
          place,
          "end shadow " + name + effective.words(),
          List.of(),
          false,
          plan -> plan.endShadow(name, from));
    }
    double share = percent == null ? 1 : percent / 100;
    if (!(share > 0 && share <= 1)) {
      throw new InputException(
          "--percent %s: it must be above 0 and at most 100; --off ends a shadow"
              .formatted(percent));
    }
    return make(
        place,
        "shadow %s @%d %s%s".formatted(name, version, Step.percent(share), effective.words()),
        List.of(version),
        false,
        plan -> plan.shadow(name, version, share, from));
  }

  @Command(
      description = "What is planned, and what each subtask of each running job serves.",
      mixinStandardHelpOptions = true)
  int status(@Mixin TopicOptions kafka) throws Exception {
    PipelineDefinition pipeline = kafka.pipeline();
    String model = model(pipeline);
    KafkaSettings settings = kafka.settings();
    kafka.ensure(pipeline, TOPICS);
    try (StatusTopic statuses = new StatusTopic(settings, pipeline, model)) {
      statuses.readOn();
      new RolloutReport(model, command.commandLine().getOut())
          .status(
              new ControlTopic(settings, pipeline).newest(model),
              statuses.words(),
              Clock.systemUTC().instant());
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new InputException(e);
    }
    return CommandLine.ExitCode.OK;
  }

  @Command(
      description = "What was commanded, and what became of it, from the audit topic.",
      mixinStandardHelpOptions = true)
  int history(
      @Mixin TopicOptions kafka,
      @Option(
              names = "--last",
              paramLabel = "N",
              description = "The newest records only; default all.")
          @Nullable Integer last)
      throws Exception {
    if (last != null && last < 1) {
      throw new InputException("--last is " + last + "; it must be 1 or more");
    }
    PipelineDefinition pipeline = kafka.pipeline();
    String model = model(pipeline);
    kafka.ensure(pipeline, TOPICS);
    List<RolloutAudit> records = new AuditTopic(kafka.settings(), pipeline).read(model);
    new RolloutReport(model, command.commandLine().getOut())
        .history(
            last == null
                ? records
                : records.subList(Math.max(0, records.size() - last), records.size()));
    return CommandLine.ExitCode.OK;
  }

  private int make(
      Place place,
      String words,
      List<Integer> versions,
      boolean completes,
      UnaryOperator<RolloutPlan> to)
      throws Exception {
    PipelineDefinition pipeline = place.kafka.pipeline();
    String model = model(pipeline);
    try {
      String registry = JobOptions.registry(place.registry, pipeline, place.kafka.pipelineFile());
      place.kafka.ensure(pipeline, TOPICS);
      return new Rollout(
              pipeline,
              model,
              ModelCommand.open(registry),
              place.kafka.settings(),
              command.commandLine().getOut())
          .make(
              new Rollout.Change(words, versions, completes, to), place.noWait ? null : place.wait);
    } catch (IllegalArgumentException e) {
      throw new InputException(e);
    }
  }

  private static String model(PipelineDefinition pipeline) throws InputException {
    PipelineDefinition.Model model = pipeline.model();
    if (model == null) {
      throw new InputException(
          "pipeline %s has no model section; add one, or name the right pipeline file"
              .formatted(pipeline.name()));
    }
    return model.name();
  }
}
