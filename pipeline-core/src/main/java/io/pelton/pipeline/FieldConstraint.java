package io.pelton.pipeline;

import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What holds for the values of an event field. Values are of the class that the field's type has;
 * timestamps are epoch milliseconds.
 *
 * @param required whether null breaks it; always where the event schema does not allow null
 * @param min least value, null for none
 * @param max greatest value, null for none
 * @param allowed all values that may be, empty for any
 * @param defaultValue what takes the place of a value that breaks it, for {@code DEFAULT} alone
 */
public record FieldConstraint(
    boolean required,
    @Nullable Object min,
    @Nullable Object max,
    List<Object> allowed,
    Otherwise otherwise,
    @Nullable Object defaultValue)
    implements Serializable {
  public FieldConstraint {
    allowed = List.copyOf(allowed);
  }
}
