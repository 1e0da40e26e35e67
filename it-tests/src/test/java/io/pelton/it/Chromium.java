package io.pelton.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A real browser without a window, where this machine has one. */
final class Chromium {
  private static final Pattern ANSWER =
      Pattern.compile("<pre id=\"answer\">(.+?)</pre>", Pattern.DOTALL);

  private final Path directory;

  /**
   * @param directory takes its profile and its log
   */
  Chromium(Path directory) {
    this.directory = directory;
  }

  static Optional<Path> program() {
    return Stream.of("chromium", "chromium-browser", "google-chrome")
        .flatMap(name -> PrometheusServer.program(name).stream())
        .findFirst();
  }

  /**
   * What an expression of JavaScript says of a page in a frame.
   *
   * @param scripts whether the page's own scripts run; the expression's do always
   * @param width of the frame, pixels
   * @param expression of {@code page}, the document, and {@code frame}, its window
   * @param console takes what the browser complains of
   */
  JsonNode ask(String html, boolean scripts, int width, String expression, List<String> console)
      throws Exception {
    Path probe = directory.resolve("probe.html");
    Files.writeString(
        probe,
        """
        <!doctype html><meta charset=utf-8>
        <iframe id=frame style="width:%dpx;height:900px;border:0"%s></iframe>
        <pre id=answer></pre>
        <script>
        const frame = document.getElementById('frame');
        frame.onload = () => {
          const page = frame.contentDocument, window = frame.contentWindow;
          document.getElementById('answer').textContent =
              btoa(unescape(encodeURIComponent(JSON.stringify(%s))));
        };
        frame.srcdoc = atob('%s');
        </script>
        """
            .formatted(
                width,
                scripts ? "" : " sandbox=allow-same-origin",
                expression,
                Base64.getEncoder().encodeToString(html.getBytes(StandardCharsets.US_ASCII))));
    Path out = directory.resolve("dom.html");
    Path log = run(out, "--virtual-time-budget=10000", "--dump-dom", probe.toUri().toString());
    try (Stream<String> lines = Files.lines(log)) {
      lines.filter(line -> line.contains("CONSOLE")).forEach(console::add);
    }
    Matcher answer = ANSWER.matcher(Files.readString(out));
    if (!answer.find()) {
      throw new AssertionError("the page did not load: " + Files.readString(log));
    }
    return new ObjectMapper().readTree(Base64.getDecoder().decode(answer.group(1)));
  }

  /** Writes a picture of a page as it opens. */
  void screenshot(Path page, Path png, int width, int height, boolean isDark) throws Exception {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--screenshot=" + png,
                "--hide-scrollbars",
                "--window-size=" + width + "," + height));
    if (isDark) {
      arguments.add("--blink-settings=preferredColorScheme=0");
    }
    arguments.add(page.toUri().toString());
    run(directory.resolve("screenshot.out"), arguments.toArray(String[]::new));
  }

  private Path run(Path out, String... arguments) throws IOException, InterruptedException {
    Path log = directory.resolve("chromium.log");
    List<String> command =
        new ArrayList<>(
            List.of(
                program().orElseThrow().toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--enable-logging=stderr",
                "--user-data-dir=" + Files.createTempDirectory(directory, "profile")));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(log.toFile())
            .start();
    try {
      if (!process.waitFor(90, TimeUnit.SECONDS)) {
        throw new AssertionError("the browser does not end: " + Files.readString(log));
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
    return log;
  }
}
