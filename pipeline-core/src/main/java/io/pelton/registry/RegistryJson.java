package io.pelton.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.type.TypeFactory;
import com.fasterxml.jackson.databind.util.LRUMap;
import java.io.IOException;
import java.util.Arrays;

/** The registry's files as JSON: the same value always gives the same, readable bytes. */
final class RegistryJson {
  private static final int TYPES = 64;

  /**
   * Knows our types in a cache of its own. The one that Jackson shares outlives a job whose classes
   * are in a class loader of their own, and would keep that alive.
   */
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .typeFactory(TypeFactory.defaultInstance().withCache(new LRUMap<>(TYPES, TYPES)))
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  private static final ObjectWriter WRITER =
      MAPPER.writer(new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n")));
  private static final ObjectReader READER =
      MAPPER.reader().with(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  private RegistryJson() {}

  static byte[] write(Object value) throws JsonProcessingException {
    byte[] json = WRITER.writeValueAsBytes(value);
    byte[] withNewline = Arrays.copyOf(json, json.length + 1);
    withNewline[json.length] = '\n';
    return withNewline;
  }

  /**
   * @throws JsonProcessingException when it is not JSON, or not of that type
   */
  static <T> T read(byte[] json, Class<T> type) throws IOException {
    return READER.forType(type).readValue(json);
  }
}
