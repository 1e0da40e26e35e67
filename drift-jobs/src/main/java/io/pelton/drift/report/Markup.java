package io.pelton.drift.report;

import java.util.Locale;

/**
 * HTML while it is written. All of it is ASCII, so that it reads the same whatever a terminal or a
 * server takes its encoding for.
 */
final class Markup {
  private static final int REPLACEMENT = 0xfffd;

  private final StringBuilder html = new StringBuilder(1 << 16);

  /** Takes tags as they are. */
  Markup tags(String tags) {
    html.append(tags);
    return this;
  }

  /**
   * Takes tags with values: {@code %s} of text is escaped.
   *
   * @param values numbers, text, or a {@link Markup} that is taken as it is
   */
  Markup tags(String format, Object... values) {
    Object[] escaped = new Object[values.length];
    for (int i = 0; i < values.length; i++) {
      escaped[i] = values[i] instanceof String text ? escape(text) : values[i];
    }
    html.append(String.format(Locale.ROOT, format, escaped));
    return this;
  }

  /** Takes text, of whatever it consists. */
  Markup text(String text) {
    html.append(escape(text));
    return this;
  }

  int length() {
    return html.length();
  }

  private static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            point -> {
              switch (point) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> {
                  if (point >= ' ' && point < 0x7f) {
                    escaped.append((char) point);
                  } else {
                    escaped.append("&#").append(shown(point)).append(';');
                  }
                }
              }
            });
    return escaped.toString();
  }

  /** Control characters and halves of surrogate pairs are none in HTML. */
  private static int shown(int point) {
    boolean isControl = Character.isISOControl(point) && point != '\n' && point != '\t';
    return isControl || Character.getType(point) == Character.SURROGATE ? REPLACEMENT : point;
  }

  @Override
  public String toString() {
    return html.toString();
  }
}
