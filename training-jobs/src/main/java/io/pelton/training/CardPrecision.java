package io.pelton.training;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Card precision at k: of the k entities that a day's investigators look at, the share that did
 * have a fraud that day. Entities are ranked by their highest score of the day (UTC), those caught
 * on an earlier day left out; the mean over days. After Le Borgne et al., Fraud Detection Handbook
 * (2022), chapter 4.
 */
final class CardPrecision {
  private static final long DAY = 24 * 60 * 60 * 1000L;

  /** One entity's day. Ties in score are ordered by key, so that the result is defined. */
  private record Suspect(String entity, double score, boolean fraud) {
    static final Comparator<Suspect> MOST_SUSPICIOUS_FIRST =
        Comparator.comparingDouble((Suspect suspect) -> -suspect.score)
            .thenComparing(Suspect::entity);

    Suspect and(Suspect other) {
      return new Suspect(entity, Math.max(score, other.score), fraud || other.fraud);
    }
  }

  private CardPrecision() {}

  /** Mean over days; the denominator stays k on a day with fewer entities, as in the Handbook. */
  static double at(int k, TrainingSet set, double[] scores) {
    var days = new TreeMap<Long, Map<String, Suspect>>();
    for (int row = 0; row < set.size(); row++) {
      var suspect = new Suspect(set.entities().get(row), scores[row], set.labels()[row] == 1);
      days.computeIfAbsent(Math.floorDiv(set.times()[row], DAY), day -> new HashMap<>())
          .merge(suspect.entity, suspect, Suspect::and);
    }
    var caught = new HashSet<String>();
    double sum = 0;
    for (Map<String, Suspect> day : days.values()) {
      var ranked = new ArrayList<>(day.values());
      ranked.removeIf(suspect -> caught.contains(suspect.entity));
      ranked.sort(Suspect.MOST_SUSPICIOUS_FIRST);
      List<String> found =
          ranked.stream().limit(k).filter(Suspect::fraud).map(Suspect::entity).toList();
      caught.addAll(found);
      sum += (double) found.size() / k;
    }
    return sum / days.size();
  }
}
