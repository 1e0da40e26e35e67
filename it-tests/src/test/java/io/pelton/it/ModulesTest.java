package io.pelton.it;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The modules may only use each other as the architecture says. */
final class ModulesTest {
  private static final Set<String> BASE = Set.of("schemas", "pipeline-core", "job-core");
  private static final Map<String, Set<String>> MAY_USE =
      Map.of(
          "schemas", Set.of(),
          "pipeline-core", Set.of("schemas"),
          "job-core", Set.of("schemas", "pipeline-core"),
          "feature-jobs", BASE,
          "inference-jobs", BASE,
          "drift-jobs", BASE,
          "training-jobs", BASE);

  private static final Map<String, JavaClasses> CLASSES = new HashMap<>();
  private static final Map<String, String> MODULE_OF_CLASS = new HashMap<>();

  @BeforeAll
  static void readClasses() {
    for (String module : MAY_USE.keySet()) {
      CLASSES.put(module, classes(module));
      CLASSES.get(module).forEach(type -> MODULE_OF_CLASS.put(type.getName(), module));
    }
    classes("cli").forEach(type -> MODULE_OF_CLASS.put(type.getName(), "cli"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"schemas", "pipeline-core"})
  void knowNothingOfFlink(String module) {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.apache.flink..")
        .check(CLASSES.get(module));
  }

  @Test
  void useOnlyModulesAboveThem() {
    Set<String> broken = new TreeSet<>();
    CLASSES.forEach(
        (module, classes) -> {
          for (JavaClass type : classes) {
            for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
              String used = MODULE_OF_CLASS.get(dependency.getTargetClass().getName());
              if (used != null && !used.equals(module) && !MAY_USE.get(module).contains(used)) {
                broken.add(module + " uses " + used + ": " + dependency.getDescription());
              }
            }
          }
        });

    assertThat(MODULE_OF_CLASS).hasSizeGreaterThan(100);
    assertThat(broken).isEmpty();
  }

  @Test
  void leaveTheTerminalToTheCommand() {
    for (JavaClasses classes : CLASSES.values()) {
      NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.allowEmptyShould(true).check(classes);
    }
  }

  @Test
  void haveTheMainClassesThatClustersStart() throws ReflectiveOperationException {
    for (String name :
        List.of(
            "io.pelton.feature.job.FeatureJob",
            "io.pelton.inference.job.InferenceJob",
            "io.pelton.drift.job.DriftJob",
            "io.pelton.cli.AllJobs",
            "io.pelton.cli.Pelton")) {
      Class<?> main = Class.forName(name);
      assertThat(main).isPublic();
      assertThat(main.getMethod("main", String[].class).getModifiers()).matches(Modifier::isStatic);
    }
  }

  private static JavaClasses classes(String module) {
    return new ClassFileImporter().importPath(Path.of("..", module, "target", "classes"));
  }
}
