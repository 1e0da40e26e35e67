package io.pelton.job;

import io.pelton.schemas.DeadLetter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Dead letters by offset, then source and partition. Keys and values are text where their bytes are
 * UTF-8, else {@code base64:} and their bytes.
 */
final class DeadLetterTable implements Table<DeadLetter> {
  private static final long serialVersionUID = 1;
  private static final String BASE64 = "base64:";

  private static final List<Column> COLUMNS =
      List.of(
          new Column("stage", Kind.TEXT),
          new Column("reason", Kind.TEXT),
          new Column("rule", Kind.TEXT),
          new Column("event_id", Kind.TEXT),
          new Column("detail", Kind.TEXT),
          new Column("source", Kind.TEXT),
          new Column("partition", Kind.INTEGER),
          new Column("offset", Kind.INTEGER),
          new Column("timestamp", Kind.TIME),
          new Column("model", Kind.TEXT),
          new Column("key", Kind.TEXT),
          new Column("value", Kind.TEXT));

  @Override
  public List<Column> columns() {
    return COLUMNS;
  }

  /**
   * The offset, for letters of one timestamp may be all; the timestamp of rows that have none, for
   * those may be all as well.
   */
  @Override
  public long order(DeadLetter letter) {
    return letter.getOffset() >= 0 ? letter.getOffset() : letter.getTimestamp().toEpochMilli();
  }

  @Override
  public Comparator<DeadLetter> ties() {
    return Comparator.naturalOrder();
  }

  @Override
  public @Nullable Long time(DeadLetter letter) {
    return null;
  }

  @Override
  public void write(DeadLetter letter, Cells cells) throws IOException {
    cells.text(letter.getStage());
    cells.text(letter.getReason());
    cells.text(letter.getRule());
    cells.text(letter.getEventId());
    cells.text(letter.getDetail());
    cells.text(letter.getSource());
    cells.integer(letter.getPartition());
    cells.integer(letter.getOffset());
    cells.time(letter.getTimestamp().toEpochMilli());
    cells.text(letter.getModel());
    cells.text(text(letter.getKey()));
    cells.text(text(letter.getValue()));
  }

  private static @Nullable String text(@Nullable ByteBuffer bytes) {
    if (bytes == null) {
      return null;
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes.duplicate()).toString();
      if (!text.startsWith(BASE64) && text.indexOf('\0') < 0) {
        return text;
      }
    } catch (CharacterCodingException e) {
      // Binary, as it may well be: below.
    }
    return BASE64
        + StandardCharsets.ISO_8859_1.decode(Base64.getEncoder().encode(bytes.duplicate()));
  }
}
