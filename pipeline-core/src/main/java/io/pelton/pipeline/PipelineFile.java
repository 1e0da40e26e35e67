package io.pelton.pipeline;

import io.pelton.aggregate.AggregateExtension;
import io.pelton.event.EventSchema;
import io.pelton.expression.ExpressionException;
import io.pelton.expression.Functions;
import io.pelton.pipeline.PipelineDefinition.Entity;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.Function;
import io.pelton.pipeline.PipelineDefinition.Model;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads pipeline files. */
public final class PipelineFile {
  private static final Pattern PIPELINE_NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}");
  static final List<String> KEYS =
      List.of(
          "pipeline",
          "events",
          "tables",
          "entities",
          "features",
          "model",
          "registry",
          "feature-log",
          "carry",
          "outcomes",
          "drift",
          "topics",
          "delivery",
          "latency");

  private final Path path;
  private final @Nullable Latency latency;
  private final List<Problem> problems = new ArrayList<>();

  private PipelineFile(Path path, @Nullable Latency latency) {
    this.path = path;
    this.latency = latency;
  }

  /**
   * Reads and validates a pipeline file; the event schema is looked for beside it.
   *
   * @throws InvalidPipelineException with every problem found
   */
  public static PipelineDefinition read(Path path) throws InvalidPipelineException {
    return read(path, null);
  }

  /**
   * The same with another latency profile.
   *
   * @param latency in place of the file's; null: the file's
   */
  public static PipelineDefinition read(Path path, @Nullable Latency latency)
      throws InvalidPipelineException {
    PipelineFile file = new PipelineFile(path, latency);
    PipelineDefinition pipeline = file.parse();
    if (!file.problems.isEmpty() || pipeline == null) {
      throw new InvalidPipelineException(
          file.problems.stream()
              // What is read twice notes its problems twice.
              .distinct()
              .sorted(Comparator.comparingInt(Problem::line))
              .toList());
    }
    return pipeline;
  }

  private @Nullable PipelineDefinition parse() {
    Node root = root();
    if (root == null) {
      return null;
    }
    String broken = brokenExtension();
    if (broken != null) {
      note(0, "", broken);
      return null;
    }
    Section file = new Section(path.toString(), problems, "", root);
    file.allow(KEYS);
    String name = file.required("pipeline", "the pipeline's name, which its topics begin with");
    if (!name.isEmpty() && !PIPELINE_NAME.matcher(name).matches()) {
      file.problem(
          "pipeline",
          "\"" + name + "\" must be lower-case letters, digits, dots, dashes and underscores");
    }
    for (String section : List.of("events", "features")) {
      if (!file.has(section)) {
        note(1, section, "the section is missing");
      }
    }
    Section eventSection = file.section("events");
    EventSchema schema =
        schema(eventSection, "the Avro schema of the events, a file beside this one");
    List<Entity> entities = EventSections.entities(file.section("entities"), schema);
    Section tableSection = file.section("tables");
    List<Table> tables = tables(tableSection, schema);
    // Without event fields no expression is checked.
    EventSchema joined = schema.fields().isEmpty() ? schema : Table.joined(schema, tables);
    Events events = EventSections.events(eventSection, entities, schema, joined);
    Section featureSection = file.section("features");
    List<Feature> features = FeatureSections.read(featureSection, entities, events.id(), joined);
    TableSections.checkColumns(tableSection, features);
    if (problems.isEmpty() && tables.stream().anyMatch(Table::streamed)) {
      TableSections.checkTravels(
          eventSection.section("rules"), events.rules(), featureSection, features, joined);
    }
    List<String> carry = file.texts("carry");
    Set<String> carried = new HashSet<>();
    for (String field : carry) {
      FieldProblems.noteMissing(file, "carry", field, schema);
      if (!carried.add(field)) {
        file.problem("carry", "\"" + field + "\" is given twice; name it once");
      }
    }
    Latency declared = file.choice("latency", Latency.BALANCED, Latency.class);
    Latency latency = this.latency != null ? this.latency : declared;
    Model model =
        file.has("model") ? ModelSections.model(file.section("model"), features, latency) : null;
    Section outcomeSection = file.section("outcomes");
    Outcomes outcomes = file.has("outcomes") ? ModelSections.outcomes(outcomeSection) : null;
    if (outcomes != null) {
      OutcomeProblems.note(outcomeSection);
    } else {
      OutcomeProblems.noteMissing(featureSection, features);
    }
    Drift drift =
        file.has("drift") ? DriftSection.read(file.section("drift"), carry, entities) : null;
    if (drift != null && model == null) {
      file.problem("drift", "needs a model section: drift is measured on what the model scored");
    }
    String registry =
        file.has("registry")
            ? file.required(
                "registry",
                "the model registry's directory; leave the key out to give it by --registry")
            : null;
    String featureLog =
        file.has("feature-log")
            ? file.required(
                "feature-log",
                "the directory that feature rows are logged to; leave the key out to log none")
            : null;
    Section topicSection = file.section("topics");
    Map<String, String> topics = TopicSection.read(topicSection);
    PipelineDefinition pipeline =
        new PipelineDefinition(
            name,
            events,
            entities,
            features,
            model,
            registry,
            featureLog,
            carry,
            outcomes,
            drift,
            topics,
            tables,
            Delivery.read(file),
            latency);
    TopicSection.checkDiffer(pipeline, eventSection, topicSection, outcomeSection, tableSection);
    return pipeline;
  }

  /** The root of the YAML, null when there is none; that is a problem noted. */
  private @Nullable Node root() {
    try {
      Node root =
          new Compose(LoadSettings.builder().setUseMarks(true).setLabel(path.toString()).build())
              .composeString(Files.readString(path))
              .orElse(null);
      if (root == null) {
        note(0, "", "is empty; it must at least name the pipeline, its events and its features");
      }
      return root;
    } catch (CharacterCodingException e) {
      note(0, "", "is not UTF-8 text; save it as UTF-8");
      return null;
    } catch (IOException e) {
      note(0, "", "cannot be read: " + reason(e));
      return null;
    } catch (StackOverflowError e) {
      note(0, "", "is nested too deeply; a pipeline needs no more than a handful of levels");
      return null;
    } catch (MarkedYamlEngineException e) {
      note(
          e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(0),
          "",
          "is no YAML: "
              + e.getProblem()
              + (e.getProblem().startsWith("expected ',' or")
                  ? "; a text within braces or brackets that has , : [ or { in it needs quotes"
                  : ""));
      return null;
    } catch (YamlEngineException e) {
      note(0, "", "is no YAML: " + e.getMessage());
      return null;
    }
  }

  /** What is wrong with aggregates and functions that the class path brings, null for nothing. */
  private static @Nullable String brokenExtension() {
    try {
      Functions.ofClassPath();
      return AggregateExtension.clash(
          AggregateExtension.all(),
          Stream.of(Function.values())
              .filter(function -> function != Function.EXTENSION)
              .map(Function::label)
              .toList());
    } catch (ExpressionException e) {
      return e.getMessage();
    } catch (ServiceConfigurationError e) {
      return "an aggregate of the class path cannot be used: " + e.getMessage();
    }
  }

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "the file does not exist";
    }
    return e instanceof AccessDeniedException ? "access is denied" : String.valueOf(e.getMessage());
  }

  private void note(int line, String key, String message) {
    problems.add(new Problem(path.toString(), line, key, message));
  }

  private List<Table> tables(Section section, EventSchema events) {
    return TableSections.read(
        section,
        events,
        path,
        table -> schema(table, "the Avro schema of the table's rows, a file beside this one"));
  }

  /**
   * The record schema that a section names.
   *
   * @return one without fields when it cannot be read; that is a problem noted
   */
  private EventSchema schema(Section section, String what) {
    Schema fallback = Schema.createRecord("Unknown", null, null, false, List.of());
    String file = section.required("schema", what);
    if (file.isEmpty()) {
      return new EventSchema(fallback);
    }
    try {
      Path schemaPath = path.toAbsolutePath().resolveSibling(file);
      EventSchema schema = new EventSchema(new Schema.Parser().parse(Files.readString(schemaPath)));
      if (schema.fields().isEmpty()) {
        section.problem(
            "schema", "\"" + file + "\" has no fields; it must have those that this section names");
      }
      return schema;
    } catch (InvalidPathException e) {
      section.problem(
          "schema",
          "\""
              + file.replace("\0", "\\0")
              + "\" is no file name ("
              + e.getReason()
              + "); name the Avro schema beside this file");
    } catch (NoSuchFileException e) {
      section.problem(
          "schema", "file " + file + " does not exist; it is looked for beside this file");
    } catch (CharacterCodingException e) {
      section.problem("schema", "\"" + file + "\" is not UTF-8 text; save it as UTF-8");
    } catch (IOException e) {
      section.problem("schema", "\"" + file + "\" cannot be read: " + reason(e));
    } catch (AvroRuntimeException | IllegalArgumentException e) {
      section.problem("schema", "\"" + file + "\" is no Avro record schema: " + e.getMessage());
    }
    return new EventSchema(fallback);
  }
}
