"""What the tools write: codecarbon's rows of several versions, BoAmps, mlco2."""

from typing import Final

V3_HEADER: Final = (
    "timestamp,project_name,run_id,experiment_id,duration,emissions,emissions_rate,"
    "cpu_power,gpu_power,ram_power,cpu_energy,gpu_energy,ram_energy,energy_consumed,"
    "water_consumed,country_name,country_iso_code,region,cloud_provider,cloud_region,"
    "os,python_version,codecarbon_version,cpu_count,cpu_model,gpu_count,gpu_model,"
    "longitude,latitude,ram_total_size,tracking_mode,cpu_utilization_percent,"
    "gpu_utilization_percent,ram_utilization_percent,ram_used_gb,on_cloud,pue,wue"
)
_V3_ROW: Final = (
    "2026-11-26T11:26:54,a,{run},5b0fa12a,{seconds},{kg},4.3e-07,5.5,0.0,20.0,"
    "{cpu},0.0,{ram},{kwh},0.0,France,FRA,,,,Linux,3.11.7,3.3.2,2,Xeon,0,,,,23.5,"
    "machine,0.0,0,5.8,1.3,N,1.0,0.0"
)
V2: Final = """\
timestamp,project_name,run_id,duration,emissions,emissions_rate,cpu_power,gpu_power,\
ram_power,cpu_energy,gpu_energy,ram_energy,energy_consumed,country_name,\
country_iso_code,region,cloud_provider,cloud_region,os,python_version,\
codecarbon_version,cpu_count,cpu_model,gpu_count,gpu_model,longitude,latitude,\
ram_total_size,tracking_mode,on_cloud,pue
2024-04-13T21:30:53,p,2012a217,1.5,2e-07,1e-07,12.5,0,2.7,4e-06,0,1e-06,5e-06,\
Spain,ESP,catalonia,aws,eu-south-2,Linux,3.11.7,2.3.4,4,i3,1,A100,2.3,48.8,7.3,\
machine,Y,1.2
"""
V1: Final = """\
timestamp,experiment_id,project_name,duration,emissions,energy_consumed,country_name,\
country_iso_code,region,on_cloud,cloud_provider,cloud_region
2021-01-01T00:00:00,one,p,3600,0.5,1.0,Canada,CAN,quebec,N,,
2021-01-02T00:00:00,two,p,1800,0.25,0.5,Canada,CAN,quebec,N,,
"""
BOAMPS: Final = """\
{
  "header": {"reportDatetime": "2025-02-26 16:57:00"},
  "task": {"taskStage": "finetuning", "taskFamily": "chatbot"},
  "measures": [{
    "measurementMethod": "codecarbon", "version": "2.5.0",
    "cpuTrackingMode": "constant", "gpuTrackingMode": "nvml",
    "powerConsumption": 0.10, "measurementDuration": 1800.0
  }],
  "infrastructure": {
    "infraType": "publicCloud", "cloudProvider": "ovh",
    "components": [{"componentType": "gpu", "componentName": "V100S"},
                   {"componentType": "ram"}]
  },
  "environment": {"country": "france", "powerSource": "hydroelectric",
                  "powerSourceCarbonIntensity": 30},
  "quality": "high"
}
"""
CALCULATOR: Final = r"""
\subsection{CO2 Emission Related to Experiments}

Experiments were conducted using Azure in region westeurope, which has a carbon
efficiency of 0.57 kgCO$_2$eq/kWh. A cumulative of 100 hours of computation was
performed on hardware of type A100 PCIe 40/80GB (TDP of 250W).

Total emissions are estimated to be 14.25 kgCO$_2$eq of which 100 percents were
directly offset by the cloud provider.
"""


def v3(*runs: tuple[str, str, str, str]) -> str:
    """Return a file of version 3; a run is its id, seconds, kWh and kg."""
    rows = [
        _V3_ROW.format(run=run, seconds=s, kwh=kwh, kg=kg, cpu=kwh, ram="0.0")
        for run, s, kwh, kg in runs
    ]
    return "\n".join([V3_HEADER, *rows]) + "\n"
