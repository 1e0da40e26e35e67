package io.pelton.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.SchemaParser;
import org.jspecify.annotations.Nullable;

/**
 * The {@code .avsc} files of a directory. They are read when the store is made, so a job carries
 * them to machines that do not have the directory.
 */
public final class DirectorySchemaStore implements SchemaStore {
  private static final long serialVersionUID = 1;

  private final String directory;
  private final StaticSchemaStore schemas;

  /**
   * @throws IOException when the directory cannot be read or a file in it is not an Avro schema
   */
  public DirectorySchemaStore(Path directory) throws IOException {
    this.directory = directory.toString();
    if (!Files.isDirectory(directory)) {
      throw new IOException(
          "schema directory "
              + directory
              + ": is not a directory; name one that holds the writers' .avsc files");
    }
    List<Path> files;
    try (Stream<Path> entries = Files.list(directory)) {
      files = entries.filter(file -> file.toString().endsWith(".avsc")).sorted().toList();
    }
    List<Schema> parsed = new ArrayList<>();
    for (Path file : files) {
      try {
        parsed.add(new SchemaParser().parse(file).mainSchema());
      } catch (AvroRuntimeException e) {
        throw new IOException(
            file + ": is not an Avro schema: " + e.getMessage() + "; mend the file or remove it",
            e);
      }
    }
    this.schemas = new StaticSchemaStore(parsed);
  }

  @Override
  public @Nullable Schema find(long fingerprint) {
    return schemas.find(fingerprint);
  }

  @Override
  public String toString() {
    return directory;
  }
}
