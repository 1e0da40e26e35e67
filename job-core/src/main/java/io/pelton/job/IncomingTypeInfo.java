package io.pelton.job;

/** Type of a stream of records as sources read them. */
public final class IncomingTypeInfo extends RowTypeInfo<Incoming> {
  private static final long serialVersionUID = 1;

  public IncomingTypeInfo() {
    super(Incoming.class, IncomingSerializer.INSTANCE);
  }
}
