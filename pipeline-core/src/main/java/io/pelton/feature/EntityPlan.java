package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import io.pelton.aggregate.AggregateExtension;
import io.pelton.pipeline.PipelineDefinition.Aggregate;
import io.pelton.pipeline.PipelineDefinition.Function;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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

  static final int COUNTS = 0;
  static final int SUMS = 1;
  static final int SQUARES = 2;

  /** Ints of one entry of {@link #work}. */
  static final int WORK = 5;

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
   * @param readers expressions that read the column, by way of others too
   */
  public record Need(String column, List<String> kept, long back, List<String> readers)
      implements Serializable {
    public Need {
      kept = List.copyOf(kept);
      readers = List.copyOf(readers);
    }
  }

  EntityPlan(EntityPlanBuilder builder) {
    entity = builder.entity;
    key = builder.key;
    tile = builder.tile;
    leading = builder.leading;
    ofOutcomes = builder.requests.stream().anyMatch(r -> r.feature().ofOutcomes());
    numberPositions = positions(builder.numbers);
    truthPositions = positions(builder.truths);
    textPositions = positions(builder.texts);
    series = builder.series(tile > 0);
    events =
        IntStream.range(0, tile > 0 ? series.length : 0)
            .filter(s -> series[s].number() < 0 && series[s].truth() < 0)
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
        int[] place = {of.number(), of.truth(), at, of.kind(), behind[i]};
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
}
