package io.pelton.expression;

import java.util.List;

/** {@code haversine(lat1, lon1, lat2, lon2)}: the distance of two places in kilometres. */
public final class Haversine implements ExpressionFunction {
  private static final double EARTH_RADIUS = 6_371.0088;

  @Override
  public String name() {
    return "haversine";
  }

  @Override
  public List<Class<?>> parameters() {
    return List.of(Double.class, Double.class, Double.class, Double.class);
  }

  @Override
  public Class<?> result() {
    return Double.class;
  }

  @Override
  public Object apply(Object[] arguments) {
    double latitude = latitude(arguments[0]);
    double other = latitude(arguments[2]);
    double north = Math.sin((other - latitude) / 2);
    double east = Math.sin(Math.toRadians((Double) arguments[3] - (Double) arguments[1]) / 2);
    double square = north * north + Math.cos(latitude) * Math.cos(other) * east * east;
    return 2 * EARTH_RADIUS * Math.asin(Math.min(1, Math.sqrt(square)));
  }

  private static double latitude(Object degrees) {
    double value = (Double) degrees;
    if (!(Math.abs(value) <= 90)) {
      throw new IllegalArgumentException(value + " is no latitude, which is from -90 to 90");
    }
    return Math.toRadians(value);
  }
}
