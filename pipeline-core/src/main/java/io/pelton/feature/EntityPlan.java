package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import io.pelton.aggregate.AggregateExtension;
import io.pelton.pipeline.PipelineDefinition.Aggregate;
import io.pelton.pipeline.PipelineDefinition.Function;
import io.pelton.pipeline.PipelineDefinition.Window;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is computed over the events of one entity: what its history keeps of each event, which edges
 * slide over it, and which column each aggregate fills.
 *
 * <p>An <i>edge</i> trails the newest event by a time, or by a number of events, and knows the
 * exact totals of everything that has passed it; a window is what lies between its older and its
 * newer edge, and a sum over it is the difference of two totals. Windows share edges, and
 * aggregates of one input share totals, so an event costs one addition an edge and input.
 */
public final class EntityPlan implements Serializable {
  private static final long serialVersionUID = 2L;
  private static final int TILES_AT_LEAST = 256;

  static final int COUNTS = 0;
  static final int SUMS = 1;
  static final int SQUARES = 2;

  /** Ints of one entry of {@link #work}. */
  static final int WORK = 5;

  /**
   * Values that edges total.
   *
   * @param number which number of the layout; -1 counts events
   * @param truth which truth must hold; -1 for none
   * @param extremes whether tiles know their least and greatest value
   * @param ends whether tiles know their first and last value
   * @param column of a tile's totals the first, which is how many values there are; -1 for events
   */
  record Series(
      int number,
      int truth,
      boolean sum,
      boolean squares,
      boolean extremes,
      boolean ends,
      int column)
      implements Serializable {
    Series(int number, int truth, boolean sum, boolean squares, boolean extremes, boolean ends) {
      this(number, truth, sum, squares, extremes, ends, -1);
    }

    // Places of a tile's other totals.
    int leastAt() {
      return column + length();
    }

    int greatestAt() {
      return leastAt() + 1;
    }

    int firstAt() {
      return leastAt() + (extremes ? 2 : 0);
    }

    int firstTimeAt() {
      return firstAt() + 1;
    }

    int lastAt() {
      return firstAt() + 2;
    }

    int lastTimeAt() {
      return firstAt() + 3;
    }

    private boolean ofTiles() {
      return column >= 0;
    }

    /** Whether an event or tile has a value. */
    boolean present(Block block, int index) {
      if (ofTiles()) {
        return block.totals[column][index] > 0;
      }
      return (truth < 0 || block.truth(truth, index))
          && (number < 0 || !Double.isNaN(block.number(number, index)));
    }

    /** The value of an event that has one. */
    double value(Block block, int index) {
      return number < 0 ? 1 : block.number(number, index);
    }

    /** The least or greatest value of an event or tile that has one. */
    double extreme(Block block, int index, boolean least) {
      return ofTiles()
          ? Double.longBitsToDouble(block.totals[least ? leastAt() : greatestAt()][index])
          : value(block, index);
    }

    double first(Block block, int index) {
      return ofTiles()
          ? Double.longBitsToDouble(block.totals[firstAt()][index])
          : value(block, index);
    }

    double last(Block block, int index) {
      return ofTiles()
          ? Double.longBitsToDouble(block.totals[lastAt()][index])
          : value(block, index);
    }

    long lastTime(Block block, int index) {
      return ofTiles() ? block.totals[lastTimeAt()][index] : block.time(index);
    }

    int kind() {
      return squares ? SQUARES : sum ? SUMS : COUNTS;
    }

    /** Longs of an edge's total. */
    int length() {
      return 1 + (sum ? ExactSum.SUM : 0) + (squares ? ExactSum.SQUARES : 0);
    }

    /** Longs of a tile's. */
    int tileLength() {
      return length() + (extremes ? 2 : 0) + (ends ? 4 : 0);
    }

    Series with(Series other) {
      return new Series(
          number,
          truth,
          sum || other.sum,
          squares || other.squares,
          extremes || other.extremes,
          ends || other.ends);
    }

    Series at(int place) {
      return new Series(number, truth, sum, squares, extremes, ends, place);
    }
  }

  /**
   * @param offset how far it trails the newest event, milliseconds; at most, for one by events
   * @param events how many events of {@code series} it trails the edge {@code newer}; 0 for an edge
   *     by time
   */
  record Edge(long offset, int events, int newer, int series) implements Serializable {}

  /**
   * One column.
   *
   * @param part position of what computes it, by its function: an accumulator, extremes, a table of
   *     last seen values
   * @param window position among the windows that share the part; of a least or greatest value,
   *     among all of them
   * @param accumulated whether the part is an accumulator
   * @param current position in the row of the value that a z-score compares, else -1
   * @param map position among the row's maps, -1 for a number
   */
  record Output(
      int column,
      Function function,
      boolean accumulated,
      int series,
      int newer,
      int older,
      boolean excludeCurrent,
      double whenEmpty,
      int part,
      int window,
      int current,
      int map)
      implements Serializable {}

  /** Least or greatest values behind an edge. */
  record ExtremesPart(int series, int newer, boolean least) implements Serializable {}

  /** Different values between an edge and several older ones. */
  record SeenPart(int series, int newer, int[] older) implements Serializable {}

  /** The newest event of a series behind an edge. */
  record LatestPart(int series, int newer) implements Serializable {}

  /** The oldest event of a series in a window. */
  record EarliestPart(int series, int newer, int older) implements Serializable {}

  /**
   * A window's own state, or what a tile holds of its values for such windows.
   *
   * @param text which text it takes, -1 for none
   * @param bag which of a tile's bags it is merged of, -1 for a window over events; of a bag itself
   *     which it is
   * @param newer -1 of a bag, as is {@code older}
   */
  record AccumulatorPart(
      Aggregate aggregate,
      boolean buckets,
      int cap,
      int series,
      int text,
      int bag,
      int newer,
      int older)
      implements Serializable {
    /**
     * @param merges whether it is merged of tiles, so that nothing need be taken away
     */
    Accumulator create(boolean merges) {
      return buckets
          ? new Buckets(() -> create(merges, Quantiles.Keeps.ALL), cap)
          : create(merges, Quantiles.Keeps.SOME);
    }

    private Accumulator create(boolean merges, Quantiles.Keeps keeps) {
      Function function = aggregate.function();
      return switch (function) {
        case COUNT, SUM, MEAN, SHARE, VARIANCE, STDDEV -> new Totals(function);
        case DISTINCT -> merges ? new Distinct() : new Timeline(function);
        case MIN, MAX, FIRST, LAST, TIME_SINCE_LAST ->
            merges ? new Span(function) : new Timeline(function);
        case QUANTILE -> new Quantiles(aggregate.quantile(), merges ? Quantiles.Keeps.FEW : keeps);
        case DECAYED_COUNT, DECAYED_SUM, DECAYED_MEAN -> new Decay(function, aggregate.halfLife());
        case EXTENSION -> extension().create(aggregate.parameters());
        case Z_SCORE -> throw new IllegalStateException("a z-score has no state of its own");
      };
    }

    private AggregateExtension extension() {
      String name = String.valueOf(aggregate.extension());
      AggregateExtension extension = AggregateExtension.find(name);
      if (extension == null) {
        throw new IllegalStateException(
            "aggregate " + name + " is not on this job's class path; put its jar there");
      }
      return extension;
    }
  }

  private final String entity;
  private final int key;
  private final boolean ofOutcomes;
  private final Layout layout;

  /** Width of the tiles that events are totalled in, milliseconds; 0 for an exact history. */
  final long tile;

  private final boolean leading;

  /** Which series counts the events of tiles, -1 in an exact history. */
  final int events;

  final int[] numberPositions;
  final int[] truthPositions;
  final int[] textPositions;

  final Series[] series;
  final Edge[] edges;
  final Output[] outputs;
  final ExtremesPart[] extremes;
  final SeenPart[] seen;
  final LatestPart[] latest;
  final EarliestPart[] earliest;
  final AccumulatorPart[] accumulators;

  /** What a tile holds beside totals. */
  final AccumulatorPart[] bags;

  /** Least and greatest values of windows, as many. */
  final int beginnings;

  /** Where the total of series s behind edge e begins, at {@code e * series + s}; -1 for none. */
  final int[] totalAt;

  final int totals;

  /** Edges that trail by time come first, the newest first; as many. */
  final int edgesByTime;

  /** Columns that do not count the event itself, and those that do. */
  final Output[] outputsBefore;

  /**
   * By edge: the series that it totals, each as the number and truth that it reads, where its total
   * begins, how much it totals ({@link #COUNTS} to {@link #SQUARES}), and which it is.
   */
  final int[][] work;

  /** By edge: whether it only totals. */
  final boolean[] plain;

  /** By edge: extremes and latest whose newer edge it is. */
  final int[][] extremesAt;

  final int[][] latestAt;
  final int[][] seenEnter;

  /** By edge: pairs of a table of last seen values and the window whose older edge it is. */
  final int[][] seenLeave;

  /** By edge: accumulators that a passing event enters, or leaves. */
  final int[][] enterAt;

  final int[][] leaveAt;

  private final long reach;
  private final long fingerprint;
  private final List<Need> needs;

  /**
   * What a column needs of the history.
   *
   * @param kept what is kept of each event: numbers, truths and texts by name
   * @param back how far it looks back, milliseconds
   */
  public record Need(String column, List<String> kept, long back) implements Serializable {
    public Need {
      kept = List.copyOf(kept);
    }
  }

  private EntityPlan(Builder builder) {
    entity = builder.entity;
    key = builder.key;
    tile = builder.tile;
    leading = builder.leading;
    ofOutcomes = builder.requests.stream().anyMatch(r -> r.feature.ofOutcomes());
    numberPositions = positions(builder.numbers);
    truthPositions = positions(builder.truths);
    textPositions = positions(builder.texts);
    series = builder.series(tile > 0);
    events =
        IntStream.range(0, tile > 0 ? series.length : 0)
            .filter(s -> series[s].number < 0 && series[s].truth < 0)
            .findFirst()
            .orElse(-1);
    layout = tile > 0 ? builder.tileLayout(series) : builder.layout();
    edges = builder.edges.toArray(Edge[]::new);
    outputsBefore = builder.outputs.stream().filter(Output::excludeCurrent).toArray(Output[]::new);
    outputs = builder.outputs.stream().filter(o -> !o.excludeCurrent()).toArray(Output[]::new);
    edgesByTime = (int) builder.edges.stream().filter(edge -> edge.events() == 0).count();
    extremes = builder.extremes.toArray(ExtremesPart[]::new);
    seen = builder.seen();
    latest = builder.latest.toArray(LatestPart[]::new);
    earliest = builder.earliest.toArray(EarliestPart[]::new);
    accumulators = builder.accumulators.toArray(AccumulatorPart[]::new);
    bags = builder.bags.toArray(AccumulatorPart[]::new);
    beginnings = builder.beginnings.size();

    totalAt = new int[edges.length * series.length];
    Arrays.fill(totalAt, -1);
    work = new int[edges.length][];
    // Before them the history keeps two longs an edge.
    int start = 2 * edges.length;
    int at = start;
    for (int edge = 0; edge < edges.length; edge++) {
      int[] behind = builder.seriesBehind(edge);
      work[edge] = new int[behind.length * WORK];
      for (int i = 0; i < behind.length; i++) {
        Series of = series[behind[i]];
        totalAt[edge * series.length + behind[i]] = at;
        int[] place = {of.number, of.truth, at, of.kind(), behind[i]};
        System.arraycopy(place, 0, work[edge], i * WORK, WORK);
        at += of.length();
      }
    }
    totals = at - start;
    needs = builder.needs(layout, series);
    extremesAt = byEdge(extremes.length, (edge, i) -> extremes[i].newer == edge);
    latestAt = byEdge(latest.length, (edge, i) -> latest[i].newer == edge);
    seenEnter = byEdge(seen.length, (edge, i) -> seen[i].newer == edge);
    seenLeave = new int[edges.length][];
    for (int edge = 0; edge < edges.length; edge++) {
      int older = edge;
      seenLeave[edge] =
          IntStream.range(0, seen.length)
              .flatMap(
                  i ->
                      IntStream.range(0, seen[i].older.length)
                          .filter(window -> seen[i].older[window] == older)
                          .flatMap(window -> IntStream.of(i, window)))
              .toArray();
    }
    enterAt = byEdge(accumulators.length, (edge, i) -> accumulators[i].newer == edge);
    leaveAt = byEdge(accumulators.length, (edge, i) -> accumulators[i].older == edge);
    plain = new boolean[edges.length];
    for (int edge = 0; edge < edges.length; edge++) {
      plain[edge] =
          Stream.of(extremesAt, latestAt, seenEnter, seenLeave, enterAt, leaveAt)
              .allMatch(parts(edge));
    }
    reach = Arrays.stream(edges).mapToLong(Edge::offset).max().orElse(0) + tile;
    fingerprint =
        hash(
            layout
                + Arrays.toString(series)
                + Arrays.toString(edges)
                + Arrays.toString(extremes)
                + Arrays.stream(seen)
                    .map(part -> part.series + ":" + part.newer + Arrays.toString(part.older))
                    .toList()
                + Arrays.toString(latest)
                + Arrays.toString(accumulators)
                + Arrays.toString(bags));
  }

  /** FNV-1a. */
  private static long hash(String text) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    return hash;
  }

  private static Predicate<int[][]> parts(int edge) {
    return parts -> parts[edge].length == 0;
  }

  private static int[] positions(Map<String, Integer> kept) {
    return kept.values().stream().mapToInt(Integer::intValue).toArray();
  }

  private interface AtEdge {
    boolean is(int edge, int part);
  }

  private int[][] byEdge(int parts, AtEdge at) {
    int[][] all = new int[edges.length][];
    for (int e = 0; e < edges.length; e++) {
      int edge = e;
      IntPredicate here = part -> at.is(edge, part);
      all[e] = IntStream.range(0, parts).filter(here).toArray();
    }
    return all;
  }

  public String entity() {
    return entity;
  }

  /** Width of the tiles that events are totalled in, milliseconds; 0 for an exact history. */
  public long tile() {
    return tile;
  }

  /** The last millisecond of the tile that holds a time. */
  long tileEnd(long time) {
    return Math.floorDiv(time, tile) * tile + tile - 1;
  }

  /** Whether it is its entity's only plan, or the one with the narrowest tiles. */
  public boolean leading() {
    return leading;
  }

  /** Position of the entity's key in {@link FeatureRow#keys}. */
  public int key() {
    return key;
  }

  /**
   * Width of the tiles for a window: the resolution, or four times as much again and again while a
   * tile is no more than a 256th of the window.
   *
   * @param resolution milliseconds; 0 for an exact history
   */
  public static long tileFor(long resolution, long width) {
    long tile = resolution;
    while (tile > 0 && tile * 4 * TILES_AT_LEAST <= width) {
      tile *= 4;
    }
    return tile;
  }

  /** Whether some of its features aggregate outcomes: these then come as rows of their own. */
  public boolean ofOutcomes() {
    return ofOutcomes;
  }

  /** What the history keeps of each event. */
  public Layout layout() {
    return layout;
  }

  /** How far back an event's features look, milliseconds: the widest window and its delay. */
  public long reach() {
    return reach;
  }

  /** What each column needs of the history. */
  public List<Need> needs() {
    return needs;
  }

  /** Tells plans apart: running totals made for another are made anew. */
  long fingerprint() {
    return fingerprint;
  }

  /** Collects what one entity's features need while a plan is made. */
  static final class Builder {
    private record Request(
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

    private final String entity;
    private final int key;
    private final long tile;
    private final boolean leading;
    private final List<Request> requests = new ArrayList<>();

    // Expression to position in the row, in the order of the layout.
    private final Map<String, Integer> numbers = new LinkedHashMap<>();
    private final Map<String, Integer> truths = new LinkedHashMap<>();
    private final Map<String, Integer> texts = new LinkedHashMap<>();

    private final List<Series> series = new ArrayList<>();
    private final List<Edge> edges = new ArrayList<>();
    private final List<Output> outputs = new ArrayList<>();
    private final List<ExtremesPart> extremes = new ArrayList<>();
    private final Map<List<Integer>, List<Integer>> seen = new LinkedHashMap<>();
    private final List<LatestPart> latest = new ArrayList<>();
    private final List<EarliestPart> earliest = new ArrayList<>();
    private final List<AccumulatorPart> accumulators = new ArrayList<>();
    private final List<AccumulatorPart> bags = new ArrayList<>();
    private final List<List<Integer>> beginnings = new ArrayList<>();

    /** One with an exact history. */
    Builder(String entity, int key) {
      this(entity, key, 0, true);
    }

    /**
     * @param tile width of the tiles, milliseconds; 0 for an exact history
     * @param leading whether the entity has no plan with narrower tiles
     */
    Builder(String entity, int key, long tile, boolean leading) {
      this.entity = entity;
      this.key = key;
      this.tile = tile;
      this.leading = leading;
    }

    private Layout layout() {
      return new Layout(
          List.copyOf(numbers.keySet()),
          List.copyOf(truths.keySet()),
          List.copyOf(texts.keySet()),
          List.of(),
          List.of());
    }

    private Series[] series(boolean ofTiles) {
      Series[] all = series.toArray(Series[]::new);
      int column = 0;
      for (int i = 0; ofTiles && i < all.length; i++) {
        all[i] = all[i].at(column);
        column += all[i].tileLength();
      }
      return all;
    }

    private Layout tileLayout(Series[] all) {
      List<String> totals = new ArrayList<>();
      for (Series of : all) {
        String name =
            "total of %s%s%s%s%s"
                .formatted(
                    input(of),
                    of.sum ? " sum" : "",
                    of.squares ? " squares" : "",
                    of.extremes ? " extremes" : "",
                    of.ends ? " ends" : "");
        for (int part = 0; part < of.tileLength(); part++) {
          totals.add(name + " " + part);
        }
      }
      return new Layout(
          List.of(), List.of(), List.of(), totals, bags.stream().map(this::name).toList());
    }

    private String input(Series of) {
      return (of.number < 0 ? "events" : List.copyOf(numbers.keySet()).get(of.number))
          + (of.truth < 0 ? "" : " where " + List.copyOf(truths.keySet()).get(of.truth));
    }

    private String name(AccumulatorPart bag) {
      return "%s of %s%s"
          .formatted(
              bag.aggregate.label(),
              input(series.get(bag.series)),
              bag.text < 0 ? "" : " by " + List.copyOf(texts.keySet()).get(bag.text));
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

    private List<Need> needs(Layout layout, Series[] all) {
      List<Need> needs = new ArrayList<>();
      for (int i = 0; i < requests.size(); i++) {
        Request request = requests.get(i);
        List<String> kept = new ArrayList<>();
        Output output = outputs.get(i);
        if (tile > 0) {
          kept.add(layout.totals().get(all[output.series].column));
          if (output.accumulated) {
            kept.add(layout.bags().get(accumulators.get(output.part).bag));
          }
        } else {
          Stream.of(request.inputName, request.whereName, request.textName)
              .filter(Objects::nonNull)
              .forEach(kept::add);
        }
        needs.add(
            new Need(
                request.feature.name() + "_" + request.window.suffix(),
                kept,
                request.feature.delay() + request.window.width() + tile));
      }
      return List.copyOf(needs);
    }

    private int series(Series wanted) {
      for (int i = 0; i < series.size(); i++) {
        Series known = series.get(i);
        if (known.number == wanted.number && known.truth == wanted.truth) {
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
        if (bag.aggregate.equals(held)
            && bag.buckets == buckets
            && bag.series == values
            && bag.text == text) {
          return bag.bag;
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

    private SeenPart[] seen() {
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
    private int[] seriesBehind(int edge) {
      TreeSet<Integer> behind = new TreeSet<>();
      for (Output output : outputs) {
        if (output.newer == edge || output.older == edge) {
          behind.add(output.series);
        }
      }
      for (int e = 0; e < edges.size(); e++) {
        Edge other = edges.get(e);
        if (other.events > 0 && (e == edge || other.newer == edge)) {
          behind.add(other.series);
        }
      }
      return behind.stream().mapToInt(Integer::intValue).toArray();
    }
  }
}
