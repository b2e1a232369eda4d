using NUnit.Framework;
using TorchZoo.Distributed;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Distributed;

/// <summary>What can be said without other processes.</summary>
public class ProcessGroupTests
{
    [Test]
    public void AProcessAloneIsAGroupOfOne()
    {
        var group = ProcessGroup.Open(_ => null);
        Assert.That((group.Rank, group.Size, group.LocalRank, group.LocalSize, group.IsFirst), Is.EqualTo((0, 1, 0, 1, true)));
        CollectiveChecks.Run(group);
    }

    [Test]
    public void LaunchersAreRecognised()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Of(("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "3"), ("OMPI_COMM_WORLD_LOCAL_RANK", "1"), ("OMPI_COMM_WORLD_LOCAL_SIZE", "2")),
                Is.EqualTo(new Launch(3, 4, 1, 2, true)));
            Assert.That(Of(("PMI_SIZE", "8"), ("PMI_RANK", "5"), ("SLURM_LOCALID", "1")), Is.EqualTo(new Launch(5, 8, 1, 0, false)));
            Assert.That(Of(("PMIX_RANK", "2"), ("SLURM_STEP_NUM_TASKS", "6")), Is.EqualTo(new Launch(2, 6, 0, 0, true)));
            // A batch script, which is no task of a step.
            Assert.That(Of(("SLURM_NTASKS", "6"), ("SLURM_PROCID", "0")), Is.Null);
            Assert.That(Of(("PMI_SIZE", "many"), ("PMI_RANK", "5")), Is.Null);
        });

        static Launch? Of(params (string Name, string Value)[] variables) =>
            Launch.Of(name => variables.FirstOrDefault(v => v.Name == name).Value);
    }

    [Test]
    public void ALaunchWithoutMpiIsExplained() => Assert.That(() => ProcessGroup.Open(name => name switch
    {
        "OMPI_COMM_WORLD_SIZE" => "2",
        MpiLibrary.Variable => "/there/is/no/such/libmpi.so",
        _ => null,
    }), Throws.InstanceOf<DllNotFoundException>().With.Message.Contains("/there/is/no/such/libmpi.so").And.Message.Contains("openmpi-bin"));

    [Test]
    public void OperationsRefuseNothing()
    {
        var group = ProcessGroup.Single;
        Assert.Multiple(() =>
        {
            Assert.That(() => group.AllReduce((Tensor)null!), Throws.ArgumentNullException);
            Assert.That(() => group.Broadcast(null!), Throws.ArgumentNullException);
            Assert.That(() => group.AllGather((Tensor)null!), Throws.ArgumentNullException);
            Assert.That(() => group.ReduceScatter(null!), Throws.ArgumentNullException);
        });
    }
}
