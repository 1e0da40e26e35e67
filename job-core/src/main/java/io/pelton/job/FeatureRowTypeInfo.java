package io.pelton.job;

import io.pelton.feature.FeatureRow;

/** Type of a stream of feature rows. */
public final class FeatureRowTypeInfo extends RowTypeInfo<FeatureRow> {
  private static final long serialVersionUID = 1;

  public FeatureRowTypeInfo() {
    super(FeatureRow.class, FeatureRowSerializer.INSTANCE);
  }
}
