package io.pelton.job;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.avro.util.ClassSecurityValidator;

/**
 * Avro creates only classes that it was told to trust, process-wide. A serializer trusts the
 * package of the generated class it was made for: its nested records and enums live there too.
 */
final class TrustedRecords {
  private static final Set<String> PACKAGES = ConcurrentHashMap.newKeySet();

  static {
    ClassSecurityValidator.setGlobal(
        ClassSecurityValidator.composite(
            ClassSecurityValidator.getGlobal(), type -> PACKAGES.contains(type.getPackageName())));
  }

  private TrustedRecords() {}

  static void trustPackageOf(Class<?> type) {
    PACKAGES.add(type.getPackageName());
  }
}
