"""The connection to the broker. Nothing else in the project imports the MQTT client."""

from edge.core.outbox import Message
from edge.mqtt.connection import MqttSettings, Received
from edge.mqtt.link import LinkStats, MqttLink

__all__ = ["LinkStats", "Message", "MqttLink", "MqttSettings", "Received"]
