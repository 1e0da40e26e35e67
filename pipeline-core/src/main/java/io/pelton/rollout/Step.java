package io.pelton.rollout;

import java.io.Serializable;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What holds from an event time on.
 *
 * @param effectiveFrom event time, epoch milliseconds; {@link #ALWAYS} for what holds at once
 * @param variants those that share the traffic; shares add up to 1
 * @param segments the first whose condition holds takes an event from all variants
 * @param shadows scored beside whatever serves, each on its share of the keys
 */
public record Step(
    long effectiveFrom, List<Variant> variants, List<Segment> segments, List<Variant> shadows)
    implements Serializable {
  /** Before all events. */
  public static final long ALWAYS = Long.MIN_VALUE;

  private static final double ROUNDING = 1e-9;

  public Step {
    variants = List.copyOf(variants);
    segments = List.copyOf(segments);
    shadows = List.copyOf(shadows);
    if (variants.isEmpty()) {
      throw new IllegalArgumentException("a plan must have a variant that serves");
    }
    double sum = variants.stream().mapToDouble(Variant::share).sum();
    if (Math.abs(sum - 1) > ROUNDING) {
      throw new IllegalArgumentException(
          "shares of the variants %s add up to %s; they must add up to 1"
              .formatted(variants.stream().map(Variant::name).toList(), sum));
    }
    List<String> names = new ArrayList<>();
    variants.forEach(variant -> names.add(variant.name()));
    segments.forEach(segment -> names.add(segment.name()));
    shadows.forEach(shadow -> names.add(shadow.name()));
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      if (!seen.add(name)) {
        throw new IllegalArgumentException(
            "two of the variants, segments and shadows are called \"" + name + "\"");
      }
    }
  }

  /** One version for all events. */
  static Step champion(int version) {
    return new Step(
        ALWAYS, List.of(new Variant(Variant.CHAMPION, version, 1)), List.of(), List.of());
  }

  Step from(long time) {
    return new Step(time, variants, segments, shadows);
  }

  Step withVariants(List<Variant> others) {
    return new Step(effectiveFrom, others, segments, shadows);
  }

  Step withSegments(List<Segment> others) {
    return new Step(effectiveFrom, variants, others, shadows);
  }

  Step withShadows(List<Variant> others) {
    return new Step(effectiveFrom, variants, segments, others);
  }

  /** The versions that serve. */
  public SortedSet<Integer> serving() {
    SortedSet<Integer> versions = new TreeSet<>();
    variants.forEach(variant -> versions.add(variant.version()));
    segments.forEach(segment -> versions.add(segment.version()));
    return versions;
  }

  /** All versions that it needs loaded. */
  public SortedSet<Integer> versions() {
    SortedSet<Integer> versions = serving();
    shadows.forEach(shadow -> versions.add(shadow.version()));
    return versions;
  }

  /** What it says, for people: {@code canary @4 10 %, champion @3 90 %}. */
  public String words() {
    List<String> words = new ArrayList<>();
    for (Segment segment : segments) {
      words.add("%s @%d where %s".formatted(segment.name(), segment.version(), segment.when()));
    }
    for (Variant variant : variants) {
      words.add(words(variant));
    }
    for (Variant shadow : shadows) {
      words.add("shadow " + words(shadow));
    }
    return String.join(", ", words);
  }

  /** A share for people, to four digits: {@code 12.5 %}. */
  public static String percent(double share) {
    return BigDecimal.valueOf(100 * share)
            .round(new MathContext(4))
            .stripTrailingZeros()
            .toPlainString()
        + " %";
  }

  private static String words(Variant variant) {
    return variant.name()
        + " @"
        + variant.version()
        + (variant.share() == 1 ? "" : " " + percent(variant.share()));
  }
}
