package io.pelton.registry;

import java.io.IOException;

/** What was asked of the registry cannot be done; the message says why and what would work. */
public final class RegistryException extends IOException {
  private static final long serialVersionUID = 1L;

  public RegistryException(String message) {
    super(message);
  }

  public RegistryException(String message, Throwable cause) {
    super(message, cause);
  }
}
