package io.pelton.model;

/** Starts the engines of its argument, comma-separated, and says how that went. */
final class StartEngines {
  private StartEngines() {}

  public static void main(String[] arguments) {
    for (String engine : arguments[0].split(",")) {
      try {
        System.out.println("started " + Engines.engine("test", engine).getEngineName());
      } catch (ModelLoadException e) {
        System.out.println(e.getMessage());
      }
    }
  }
}
