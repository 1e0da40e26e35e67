package io.pelton.cli;

import io.pelton.registry.NearestName;
import io.pelton.registry.Signature;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What {@code --input} says: {@code TENSOR[:TYPE[:rows]][=FEATURE,...]}, once a tensor. */
final class ModelInputs {
  /** A tensor's own name may end in a colon and digits; a type begins with a letter. */
  private static final Pattern INPUT =
      Pattern.compile("([^=]+?)(?::([A-Za-z][A-Za-z0-9]*)(:rows)?)?(?:=(.*))?");

  private static final List<String> TYPES =
      Arrays.stream(Signature.DataType.values()).map(Enum::name).toList();

  private ModelInputs() {}

  /** Whether one of them brings features of its own. */
  static boolean nameFeatures(List<String> texts) {
    return texts.stream().anyMatch(text -> text.contains("="));
  }

  /**
   * @param type of the tensors that name none
   * @param features of a single tensor that names none
   */
  static List<Signature.Input> parse(
      List<String> texts, Signature.DataType type, @Nullable List<String> features)
      throws InputException {
    List<Signature.Input> parsed = new ArrayList<>();
    Set<String> tensors = new HashSet<>();
    Set<String> taken = new HashSet<>();
    for (String text : texts) {
      Signature.Input input = parse(text, type, texts.size() == 1 ? features : null);
      if (!tensors.add(input.tensor())) {
        throw new InputException(
            "--input %s: tensor \"%s\" is given twice; give all its features at once"
                .formatted(text, input.tensor()));
      }
      for (String feature : input.features()) {
        if (!taken.add(feature)) {
          throw new InputException(
              "--input %s: feature \"%s\" is given twice; each can be at one place"
                  .formatted(text, feature));
        }
      }
      parsed.add(input);
    }
    return parsed;
  }

  private static Signature.Input parse(
      String text, Signature.DataType type, @Nullable List<String> features) throws InputException {
    Matcher matcher = INPUT.matcher(text);
    if (!matcher.matches()) {
      throw new InputException(
          "--input %s: must be TENSOR[:TYPE[:rows]][=FEATURE,...]".formatted(text));
    }
    @Nullable String own = matcher.group(4);
    List<String> names = own == null ? features : List.of(own.split(",", -1));
    if (names == null) {
      throw new InputException(
          "--input %s: names no features; of several inputs each must: --input %s=FEATURE,..."
              .formatted(text, text));
    }
    if (names.contains("")) {
      throw new InputException(
          "--input %s: a feature's name is empty; give names with a comma between".formatted(text));
    }
    boolean rows = matcher.group(3) != null;
    if (rows && names.size() != 1) {
      throw new InputException(
          "--input %s: a tensor of shape [rows] takes one feature, not %d; leave out :rows for [rows, features]"
              .formatted(text, names.size()));
    }
    return new Signature.Input(
        matcher.group(1),
        matcher.group(2) == null ? type : type(text, matcher.group(2)),
        rows ? Signature.Layout.VECTOR : null,
        names);
  }

  private static Signature.DataType type(String text, String name) throws InputException {
    String upper = name.toUpperCase(Locale.ROOT);
    if (!TYPES.contains(upper)) {
      throw new InputException(
          "--input %s: no type \"%s\"%s".formatted(text, name, NearestName.hint(upper, TYPES)));
    }
    return Signature.DataType.valueOf(upper);
  }
}
