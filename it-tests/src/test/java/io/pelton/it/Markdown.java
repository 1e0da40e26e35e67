package io.pelton.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What can be checked of a Markdown file.
 *
 * @param links where its links and images point
 * @param anchors its headings, as GitHub names them
 * @param blocks its fenced code
 */
record Markdown(List<String> links, Set<String> anchors, List<Block> blocks) {
  private static final Pattern FENCE = Pattern.compile("\\s*```+\\s*(\\w*).*");
  private static final Pattern HEADING = Pattern.compile("#{1,6}\\s+(.*?)\\s*#*\\s*");
  private static final Pattern INLINE_LINK = Pattern.compile("]\\(<?([^)\\s>]+)");
  private static final Pattern NAMED_LINK = Pattern.compile("\\s*\\[[^]]+]:\\s+(\\S+).*");
  private static final Pattern HTML_LINK = Pattern.compile("(?:src|href)=\"([^\"]+)\"");
  private static final Pattern CODE_SPAN = Pattern.compile("`[^`]*`");

  /** A fenced block: its language, and its text. */
  record Block(String language, String text) {}

  static Markdown read(Path file) throws IOException {
    List<String> links = new ArrayList<>();
    Set<String> anchors = new HashSet<>();
    Map<String, Integer> seen = new HashMap<>();
    List<Block> blocks = new ArrayList<>();
    String language = null;
    StringBuilder block = new StringBuilder();
    for (String line : Files.readAllLines(file)) {
      Matcher fence = FENCE.matcher(line);
      if (fence.matches()) {
        if (language == null) {
          language = fence.group(1);
        } else {
          blocks.add(new Block(language, block.toString()));
          block.setLength(0);
          language = null;
        }
      } else if (language != null) {
        block.append(line).append('\n');
      } else {
        Matcher heading = HEADING.matcher(line);
        if (heading.matches()) {
          String anchor = anchor(heading.group(1));
          int times = seen.merge(anchor, 1, Integer::sum);
          anchors.add(times == 1 ? anchor : anchor + "-" + (times - 1));
        }
        String prose = CODE_SPAN.matcher(line).replaceAll("`");
        Stream.of(INLINE_LINK, NAMED_LINK, HTML_LINK)
            .flatMap(pattern -> pattern.matcher(prose).results())
            .map((MatchResult link) -> link.group(1))
            .forEach(links::add);
      }
    }
    if (language != null) {
      throw new IllegalArgumentException(file + ": a code block is not closed");
    }
    return new Markdown(links, anchors, blocks);
  }

  private static String anchor(String heading) {
    return heading
        .replaceAll("\\[([^]]*)]\\([^)]*\\)", "$1")
        .toLowerCase(Locale.ROOT)
        .replaceAll("[^\\p{L}\\p{N} _-]", "")
        .replace(' ', '-');
  }

  /** The command lines in shell blocks, continuations joined; of a console, what follows $. */
  List<String> commandLines() {
    List<String> lines = new ArrayList<>();
    for (Block block : blocks) {
      boolean console = block.language().equals("console");
      if (console || Set.of("bash", "sh", "shell").contains(block.language())) {
        for (String line : block.text().replaceAll("\\\\\\n\\s*", " ").split("\\n")) {
          if (!console) {
            lines.add(line);
          } else if (line.startsWith("$ ")) {
            lines.add(line.substring(2));
          }
        }
      }
    }
    return lines;
  }
}
