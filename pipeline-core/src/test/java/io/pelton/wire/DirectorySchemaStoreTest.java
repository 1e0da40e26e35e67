package io.pelton.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.schemas.Outcome;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectorySchemaStoreTest {
  @TempDir Path directory;

  @Test
  void travelsToMachinesWithoutTheDirectory() throws Exception {
    Path file = directory.resolve("outcome.avsc");
    Files.writeString(file, Outcome.getClassSchema().toString());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new ObjectOutputStream(bytes).writeObject(new DirectorySchemaStore(directory));
    Files.delete(file);

    SchemaStore store =
        (SchemaStore)
            new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();

    long fingerprint = SingleObject.fingerprint(Outcome.getClassSchema());
    assertThat(store.find(fingerprint)).isEqualTo(Outcome.getClassSchema());
    assertThat(store.find(fingerprint + 1)).isNull();
    assertThat(StaticSchemaStore.of().or(store).find(fingerprint)).isNotNull();
  }

  @Test
  void namesTheFileThatIsNoSchema() throws Exception {
    Files.writeString(directory.resolve("broken.avsc"), "{\"type\": \"recrod\"}");
    assertThatThrownBy(() -> new DirectorySchemaStore(directory))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("broken.avsc: is not an Avro schema");
    assertThatThrownBy(() -> new DirectorySchemaStore(directory.resolve("absent")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("absent: is not a directory");
  }
}
