package io.pelton.feature;

import io.pelton.feature.EntityPlan.AccumulatorPart;
import io.pelton.feature.EntityPlan.EarliestPart;
import io.pelton.feature.EntityPlan.Edge;
import io.pelton.feature.EntityPlan.ExtremesPart;
import io.pelton.feature.EntityPlan.LatestPart;
import io.pelton.feature.EntityPlan.Need;
import io.pelton.feature.EntityPlan.Output;
import io.pelton.feature.EntityPlan.SeenPart;
import io.pelton.pipeline.PipelineDefinition.Aggregate;
import io.pelton.pipeline.PipelineDefinition.Function;
import io.pelton.pipeline.PipelineDefinition.Window;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Collects what one entity's features need while a plan is made. */
final class EntityPlanBuilder {
  record Request(
      int column,
      WindowedFeature feature,
      Window window,
      int input,
      @Nullable String inputName,
      int where,
      @Nullable String whereName,
      int text,
      @Nullable String textName,
      int map) {}

  final String entity;
  final int key;
  final long tile;
  final boolean leading;
  final List<Request> requests = new ArrayList<>();

  /** Of a column the expressions that read it; none when nothing was put here. */
  final Map<String, List<String>> readers = new HashMap<>();

  // Expression to position in the row, in the order of the layout.
  final Map<String, Integer> numbers = new LinkedHashMap<>();
  final Map<String, Integer> truths = new LinkedHashMap<>();
  final Map<String, Integer> texts = new LinkedHashMap<>();

  final List<Series> series = new ArrayList<>();
  final List<Edge> edges = new ArrayList<>();
  final List<Output> outputs = new ArrayList<>();
  final List<ExtremesPart> extremes = new ArrayList<>();
  private final Map<List<Integer>, List<Integer>> seen = new LinkedHashMap<>();
  final List<LatestPart> latest = new ArrayList<>();
  final List<EarliestPart> earliest = new ArrayList<>();
  final List<AccumulatorPart> accumulators = new ArrayList<>();
  final List<AccumulatorPart> bags = new ArrayList<>();
  final List<List<Integer>> beginnings = new ArrayList<>();

  /** One with an exact history. */
  EntityPlanBuilder(String entity, int key) {
    this(entity, key, 0, true);
  }

  /**
   * @param tile width of the tiles, milliseconds; 0 for an exact history
   * @param leading whether the entity has no plan with narrower tiles
   */
  EntityPlanBuilder(String entity, int key, long tile, boolean leading) {
    this.entity = entity;
    this.key = key;
    this.tile = tile;
    this.leading = leading;
  }

  Layout layout() {
    return new Layout(
        List.copyOf(numbers.keySet()),
        List.copyOf(truths.keySet()),
        List.copyOf(texts.keySet()),
        List.of(),
        List.of());
  }

  Series[] series(boolean ofTiles) {
    Series[] all = series.toArray(Series[]::new);
    int column = 0;
    for (int i = 0; ofTiles && i < all.length; i++) {
      all[i] = all[i].at(column);
      column += all[i].tileLength();
    }
    return all;
  }

  Layout tileLayout(Series[] all) {
    List<String> totals = new ArrayList<>();
    for (Series of : all) {
      String name =
          "total of %s%s%s%s%s"
              .formatted(
                  input(of),
                  of.sum() ? " sum" : "",
                  of.squares() ? " squares" : "",
                  of.extremes() ? " extremes" : "",
                  of.ends() ? " ends" : "");
      for (int part = 0; part < of.tileLength(); part++) {
        totals.add(name + " " + part);
      }
    }
    return new Layout(
        List.of(), List.of(), List.of(), totals, bags.stream().map(this::name).toList());
  }

  private String input(Series of) {
    return (of.number() < 0 ? "events" : List.copyOf(numbers.keySet()).get(of.number()))
        + (of.truth() < 0 ? "" : " where " + List.copyOf(truths.keySet()).get(of.truth()));
  }

  private String name(AccumulatorPart bag) {
    return "%s of %s%s"
        .formatted(
            bag.aggregate().label(),
            input(series.get(bag.series())),
            bag.text() < 0 ? "" : " by " + List.copyOf(texts.keySet()).get(bag.text()));
  }

  /** Asks for one column of a feature whose truth is its own {@code where}. */
  void add(
      int column,
      WindowedFeature feature,
      Window window,
      int input,
      @Nullable String inputName,
      int where,
      int text,
      @Nullable String textName,
      int map) {
    add(column, feature, window, input, inputName, where, feature.where(), text, textName, map);
  }

  /**
   * Asks for one column of a feature.
   *
   * @param input position of the input in the row's values, -1 for none
   * @param inputName what tells inputs apart; null for none
   * @param where position of the truth in the row's values, -1 for none
   * @param whereName what tells truths apart; null for none
   * @param text position of a text among the row's carried values, -1 for none
   * @param map position of the column among the row's maps, -1 for a number
   */
  void add(
      int column,
      WindowedFeature feature,
      Window window,
      int input,
      @Nullable String inputName,
      int where,
      @Nullable String whereName,
      int text,
      @Nullable String textName,
      int map) {
    requests.add(
        new Request(
            column, feature, window, input, inputName, where, whereName, text, textName, map));
    if (inputName != null && input >= 0) {
      numbers.putIfAbsent(inputName, input);
    }
    if (whereName != null) {
      truths.putIfAbsent(whereName, where);
    }
    if (textName != null) {
      texts.putIfAbsent(textName, text);
    }
  }

  EntityPlan build() {
    // Edges by time come first, the newest first: an event passes them in this order.
    TreeSet<Long> offsets = new TreeSet<>();
    for (Request request : requests) {
      offsets.add(request.feature.delay());
      if (request.window.events() == 0) {
        offsets.add(request.feature.delay() + request.window.width());
      }
    }
    offsets.forEach(offset -> edges.add(new Edge(offset, 0, -1, -1)));
    requests.forEach(this::output);
    if (tile > 0) {
      // How many events a tile holds, whatever the features.
      series(new Series(-1, -1, false, false, false, false));
    }
    return new EntityPlan(this);
  }

  List<Need> needs(Layout layout, Series[] all) {
    List<Need> needs = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      Request request = requests.get(i);
      List<String> kept = new ArrayList<>();
      Output output = outputs.get(i);
      if (tile > 0) {
        kept.add(layout.totals().get(all[output.series()].column()));
        if (output.accumulated()) {
          kept.add(layout.bags().get(accumulators.get(output.part()).bag()));
        }
      } else {
        Stream.of(request.inputName, request.whereName, request.textName)
            .filter(Objects::nonNull)
            .forEach(kept::add);
      }
      String column = request.feature.name() + "_" + request.window.suffix();
      needs.add(
          new Need(
              column,
              kept,
              request.feature.delay() + request.window.width() + tile,
              readers.getOrDefault(column, List.of())));
    }
    return List.copyOf(needs);
  }

  /**
   * Of tiles each kind of total is a series of its own, so that one that is new takes nothing from
   * those that are known.
   */
  private int series(Series wanted) {
    if (tile > 0) {
      return part(series, wanted);
    }
    for (int i = 0; i < series.size(); i++) {
      Series known = series.get(i);
      if (known.number() == wanted.number() && known.truth() == wanted.truth()) {
        series.set(i, known.with(wanted));
        return i;
      }
    }
    series.add(wanted);
    return series.size() - 1;
  }

  private int edge(Edge wanted) {
    int at = edges.indexOf(wanted);
    if (at < 0) {
      at = edges.size();
      edges.add(wanted);
    }
    return at;
  }

  private static <T> int part(List<T> parts, T wanted) {
    int at = parts.indexOf(wanted);
    if (at < 0) {
      at = parts.size();
      parts.add(wanted);
    }
    return at;
  }

  private static int position(Map<String, Integer> kept, @Nullable String name) {
    return name == null ? -1 : List.copyOf(kept.keySet()).indexOf(name);
  }

  private void output(Request request) {
    WindowedFeature feature = request.feature;
    Aggregate aggregate = feature.aggregate();
    Function function = aggregate.function();
    int truth = position(truths, request.whereName);
    boolean buckets = feature.by() != null;
    int number = request.input < 0 ? -1 : position(numbers, request.inputName);
    boolean totals = !buckets;
    int values =
        series(
            new Series(
                number,
                truth,
                totals
                    && switch (function) {
                      case SUM, MEAN, SHARE, VARIANCE, STDDEV, Z_SCORE -> true;
                      default -> false;
                    },
                totals
                    && switch (function) {
                      case VARIANCE, STDDEV, Z_SCORE -> true;
                      default -> false;
                    },
                function == Function.MIN || function == Function.MAX,
                function == Function.FIRST
                    || function == Function.LAST
                    || function == Function.TIME_SINCE_LAST));
    int newer = edge(new Edge(feature.delay(), 0, -1, -1));
    int older;
    if (request.window.events() == 0) {
      older = edge(new Edge(feature.delay() + request.window.width(), 0, -1, -1));
    } else {
      int events = series(new Series(-1, truth, false, false, false, false));
      older =
          edge(
              new Edge(
                  feature.delay() + request.window.width(),
                  request.window.events(),
                  newer,
                  events));
    }
    int part = -1;
    int window = 0;
    boolean accumulated =
        buckets
            || switch (function) {
              case QUANTILE, EXTENSION, DECAYED_COUNT, DECAYED_SUM, DECAYED_MEAN -> true;
              case DISTINCT -> tile > 0;
              default -> false;
            };
    if (accumulated) {
      int text = position(texts, request.textName);
      int bag = tile > 0 ? bag(aggregate, buckets, values, text) : -1;
      part =
          part(
              accumulators,
              new AccumulatorPart(
                  stateOf(aggregate),
                  buckets,
                  buckets ? feature.cap() : 0,
                  values,
                  text,
                  bag,
                  newer,
                  older));
    } else {
      switch (function) {
        case MIN, MAX -> {
          part = part(extremes, new ExtremesPart(values, newer, function == Function.MIN));
          window = part(beginnings, List.of(part, older));
        }
        case DISTINCT -> {
          List<Integer> shared = List.of(values, newer);
          List<Integer> windows = seen.computeIfAbsent(shared, unused -> new ArrayList<>());
          part = List.copyOf(seen.keySet()).indexOf(shared);
          window = part(windows, older);
        }
        case LAST, TIME_SINCE_LAST -> part = part(latest, new LatestPart(values, newer));
        case FIRST -> part = part(earliest, new EarliestPart(values, newer, older));
        default -> {}
      }
    }
    outputs.add(
        new Output(
            request.column,
            function,
            accumulated,
            values,
            newer,
            older,
            feature.excludeCurrent() || function == Function.TIME_SINCE_LAST,
            feature.whenEmpty(),
            part,
            window,
            function == Function.Z_SCORE ? request.input : -1,
            request.map));
  }

  /** Of what a tile holds all quantiles can be had, and all that decays with one half-life. */
  private int bag(Aggregate aggregate, boolean buckets, int values, int text) {
    Function function = aggregate.function();
    boolean decays = aggregate.halfLife() > 0;
    Aggregate held =
        new Aggregate(
            decays ? Function.DECAYED_MEAN : function,
            null,
            0,
            aggregate.halfLife(),
            aggregate.extension(),
            aggregate.parameters());
    for (AccumulatorPart bag : bags) {
      if (bag.aggregate().equals(held)
          && bag.buckets() == buckets
          && bag.series() == values
          && bag.text() == text) {
        return bag.bag();
      }
    }
    bags.add(new AccumulatorPart(held, buckets, 0, values, text, bags.size(), -1, -1));
    return bags.size() - 1;
  }

  /** What tells states apart: which input it is the series says. */
  private static Aggregate stateOf(Aggregate aggregate) {
    return new Aggregate(
        aggregate.function(),
        null,
        aggregate.quantile(),
        aggregate.halfLife(),
        aggregate.extension(),
        aggregate.parameters());
  }

  SeenPart[] seen() {
    return seen.entrySet().stream()
        .map(
            entry ->
                new SeenPart(
                    entry.getKey().get(0),
                    entry.getKey().get(1),
                    entry.getValue().stream().mapToInt(Integer::intValue).toArray()))
        .toArray(SeenPart[]::new);
  }

  /** Series of which an edge keeps totals. */
  int[] seriesBehind(int edge) {
    TreeSet<Integer> behind = new TreeSet<>();
    for (Output output : outputs) {
      if (output.newer() == edge || output.older() == edge) {
        behind.add(output.series());
      }
    }
    for (int e = 0; e < edges.size(); e++) {
      Edge other = edges.get(e);
      if (other.events() > 0 && (e == edge || other.newer() == edge)) {
        behind.add(other.series());
      }
    }
    return behind.stream().mapToInt(Integer::intValue).toArray();
  }
}
