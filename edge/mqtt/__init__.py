"""The connection to the broker. Nothing else in the project imports the MQTT client."""

from edge.core.outbox import Message
from edge.mqtt.link import MqttLink
from edge.mqtt.records import LinkStats, MqttSettings, Received

__all__ = ["LinkStats", "Message", "MqttLink", "MqttSettings", "Received"]
