package io.pelton.cli.simulator;

/**
 * A card payment.
 *
 * @param eventTimeMillis epoch milliseconds, whole seconds
 * @param amount in whole cents
 * @param fraud how it ends; a real stream would tell weeks later
 */
public record Transaction(
    long transactionId,
    long eventTimeMillis,
    long customerId,
    long terminalId,
    double amount,
    boolean fraud) {}
