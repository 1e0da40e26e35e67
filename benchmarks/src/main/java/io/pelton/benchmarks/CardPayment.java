package io.pelton.benchmarks;

/** A payment for Flink's POJO serializer, as a job by hand has it. */
public final class CardPayment {
  public long id;
  public long time;
  public long customer;
  public double amount;

  static CardPayment of(ReplayedEvents events, long number) {
    CardPayment payment = new CardPayment();
    payment.id = number;
    payment.time = events.time(number);
    payment.customer = events.key(number);
    payment.amount = events.amount(number);
    return payment;
  }

  /** A payment's sums by window. */
  public record Sums(long id, double[] values) {}
}
