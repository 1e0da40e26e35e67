package io.pelton.cli;

import picocli.CommandLine.IVersionProvider;

/** The version of this build, from its jar's manifest. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    String version = Pelton.class.getPackage().getImplementationVersion();
    return new String[] {"pelton " + (version == null ? "(from classes, without a jar)" : version)};
  }
}
