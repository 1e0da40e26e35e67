package io.pelton.job;

import io.pelton.model.ScoredRow;

/** Type of a stream of scored rows. */
public final class ScoredRowTypeInfo extends RowTypeInfo<ScoredRow> {
  private static final long serialVersionUID = 1;

  public ScoredRowTypeInfo() {
    super(ScoredRow.class, new ScoredRowSerializer());
  }
}
