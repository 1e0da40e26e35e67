package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.Topics;
import io.pelton.schemas.Outcome;
import io.pelton.wire.SingleObject;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class KafkaFixtureTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  @Test
  void isABrokerThatKeepsRecords() throws Exception {
    Topics.ensure(
        KAFKA.settings(),
        List.of(new Topics.Spec("fixture.schemas", 1, true, 0)),
        true,
        Topics.TIMEOUT);
    new KafkaSchemaStore(KAFKA.settings(), "fixture.schemas")
        .publish(List.of(Outcome.getClassSchema()));
    assertThat(
            new KafkaSchemaStore(KAFKA.settings(), "fixture.schemas")
                .find(SingleObject.fingerprint(Outcome.getClassSchema())))
        .isEqualTo(Outcome.getClassSchema());
  }
}
