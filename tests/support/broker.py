"""A real Kafka broker (KRaft), or three of them, with data in a temporary folder."""

import json
import shutil
import signal
import subprocess
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from support.paths import ROOT, kafka_jars
from support.ports import free_port
from support.process import Process
from support.waiting import wait_until

JVM = ["java", "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC"]
QUICK = "-XX:TieredStopAtLevel=1"  # starts sooner, runs slower: for tests, not for measuring
CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"


class Kafka:
    """What can be asked of brokers, at `address`."""

    address = None
    replication = 1

    def admin(self):
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def create_topic(self, name, partitions=1, settings=None):
        topic = NewTopic(name, partitions, self.replication, config={key: str(value) for key, value
                                                      in (settings or {}).items()})
        admin = self.admin()  # kept until the answer is in
        admin.create_topics([topic], operation_timeout=10)[name].result(15)

    def delete_topic(self, name):
        admin = self.admin()
        admin.delete_topics([name], operation_timeout=10)[name].result(15)
        wait_until(lambda: name not in self.topics(), 10, f"topic {name} is gone")

    def topics(self):
        return set(self.admin().list_topics(timeout=10).topics)

    def partition_count(self, topic):
        return len(self.admin().list_topics(topic, timeout=10).topics[topic].partitions)

    def produce(self, topic, partition, value, key=None, headers=()):
        """A foreign record, by somebody who knows no rule. Its offset."""
        reports = []
        producer = Producer({"bootstrap.servers": self.address, "linger.ms": 0, "log_level": 0,
                             "topic.metadata.propagation.max.ms": 1000})
        producer.produce(topic, value, key, partition, headers=list(headers),
                         on_delivery=lambda error, message: reports.append((error, message)))
        assert producer.flush(15) == 0, "the broker did not take the record"
        error, message = reports[0]
        if error:
            raise KafkaException(error)
        return message.offset()

    def _consumer(self):
        return Consumer({"bootstrap.servers": self.address, "group.id": "test",
                         "enable.auto.commit": False, "auto.offset.reset": "earliest",
                         "fetch.wait.max.ms": 10})

    def end_offset(self, topic, partition):
        consumer = self._consumer()
        try:
            where = TopicPartition(topic, partition)
            return consumer.get_watermark_offsets(where, timeout=10, cached=False)[1]
        finally:
            consumer.close()

    def records(self, topic, partition, first=0):
        """All records of a partition from offset `first` on, as confluent_kafka messages."""
        end = self.end_offset(topic, partition)
        found = []
        if first >= end:
            return found
        consumer = self._consumer()
        try:
            consumer.assign([TopicPartition(topic, partition, first)])
            while not found or found[-1].offset() < end - 1:
                message = consumer.poll(10)
                if message is None:
                    raise TimeoutError(f"{topic}/{partition} stopped at {len(found)} records")
                if message.error():
                    raise KafkaException(message.error())
                found.append(message)
        finally:
            consumer.close()
        return found

    def leader(self, topic, partition):
        """The id of the broker that leads it; -1 while there is none."""
        return self.admin().list_topics(topic, timeout=10).topics[topic].partitions[
            partition].leader


class Broker(Kafka, Process):
    def __init__(self, folder, settings=None, quick=True):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.controller_port = free_port()
        self.settings = dict(settings or {})
        self._config = self.folder / "server.properties"
        self._java = [*JVM, *([QUICK] if quick else []),
                      f"-Dlog4j2.configurationFile={ROOT}/compose/kafka/log4j2.yaml",
                      "-cp", f"{kafka_jars()}/*"]
        Process.__init__(self, "kafka", [*self._java, "kafka.Kafka", self._config], self.folder)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def second_listener(self, advertised_port):
        """Its port. Who comes in there is told to come to `advertised_port`: a proxy's. Before the
        start."""
        port = free_port()
        self.settings |= {
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},SECOND://127.0.0.1:{port},"
                         f"CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.address},"
                                    f"SECOND://127.0.0.1:{advertised_port}",
            "listener.security.protocol.map":
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECOND:PLAINTEXT"}
        return port

    @property
    def data(self):
        return self.folder / "data"

    def delete_records(self, topic, before):
        """As retention does: all before these offsets, by partition."""
        wanted = self.folder / "delete.json"
        wanted.write_text(json.dumps({"version": 1, "partitions": [
            {"topic": topic, "partition": partition, "offset": offset}
            for partition, offset in before.items()]}))
        subprocess.run([*self._java, "org.apache.kafka.tools.DeleteRecordsCommand",
                        "--bootstrap-server", self.address, "--offset-json-file", wanted],
                       check=True, stdout=subprocess.DEVNULL, timeout=60)

    def _write_config(self):
        text = (ROOT / "compose/kafka/server.properties").read_text()
        for name, value in {"@PORT@": self.port, "@CONTROLLER_PORT@": self.controller_port,
                            "@DATA@": self.data}.items():
            text = text.replace(name, str(value))
        lines = [f"{name}={value}" for name, value in self.settings.items()]
        self._config.write_text("\n".join([text, *lines, ""]))

    def _format(self):
        with open(self.log_path, "ab") as log:
            subprocess.run([*self._java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID,
                            "-c", self._config], check=True, stdout=log, stderr=log)

    def start(self, timeout_s=60, wait=True):
        self._write_config()
        if not self.data.exists():
            self._format()
        Process.start(self)
        if wait:
            self.wait_ready(timeout_s)
        return self

    def wait_ready(self, timeout_s=60):
        """Ready is an answered metadata request with a broker in it, not an open port."""
        def answers():
            self.check_alive()
            try:
                return self.admin().list_topics(timeout=2).brokers
            except KafkaException:
                return False
        wait_until(answers, timeout_s, "Kafka answers metadata requests", 0.1)

    def restart(self):
        self.stop()
        return self.start()

    def forget(self):
        """All data is gone, as after a disk was replaced; starts as a new, empty cluster."""
        self.stop()
        shutil.rmtree(self.data)
        return self.start()


class Cluster(Kafka):
    """Three brokers, every topic on all of them; two must have a record before it counts."""

    NODES = (1, 2, 3)
    replication = 3

    def __init__(self, folder, quick=True):
        self.brokers = [Broker(Path(folder) / str(node), quick=quick) for node in self.NODES]
        voters = ",".join(f"{node}@127.0.0.1:{broker.controller_port}"
                          for node, broker in zip(self.NODES, self.brokers))
        for node, broker in zip(self.NODES, self.brokers):
            broker.name = f"kafka-{node}"
            broker.settings |= {
                "node.id": node, "controller.quorum.voters": voters, "min.insync.replicas": 2,
                "offsets.topic.replication.factor": 3,
                "transaction.state.log.replication.factor": 3,
                "transaction.state.log.min.isr": 2,
                "replica.lag.time.max.ms": 3000, "controller.quorum.election.timeout.ms": 500,
                "controller.quorum.fetch.timeout.ms": 1000}

    @property
    def address(self):
        return ",".join(broker.address for broker in self.brokers)

    def start(self):
        for broker in self.brokers:
            broker.start(wait=False)
        for broker in self.brokers:
            broker.wait_ready()
        wait_until(lambda: len(self.admin().list_topics(timeout=5).brokers) == len(self.NODES), 30,
                   "all brokers are there")
        return self

    def stop(self):
        """All at once: in turns, each would wait for a leader among those that are left."""
        for broker in self.brokers:
            broker.signal(signal.SIGKILL)
        for broker in self.brokers:
            broker.wait()

    def leading(self, topic, partition):
        """The broker that leads a partition."""
        return wait_until(lambda: self._with_id(self.leader(topic, partition)), 30, "a leader")

    def _with_id(self, node):
        return self.brokers[node - 1] if node > 0 else None

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()
