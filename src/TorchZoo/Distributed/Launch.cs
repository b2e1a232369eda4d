using System.Globalization;

namespace TorchZoo.Distributed;

/// <summary>What a launcher (mpirun, mpiexec, srun) has told a process by environment variables. It is known before MPI is loaded, so that
/// a process that nobody launched needs no MPI.</summary>
/// <param name="Rank">Number of the process, from 0.</param>
/// <param name="Size">How many there are.</param>
/// <param name="LocalRank">Number among those of the same machine.</param>
/// <param name="LocalSize">How many there are on the machine; 0: not known.</param>
/// <param name="IsOpenMpi">Whether the launcher is Open MPI's.</param>
internal sealed record Launch(int Rank, int Size, int LocalRank, int LocalSize, bool IsOpenMpi)
{
    private const string OpenMpiSize = "OMPI_COMM_WORLD_SIZE", PmiSize = "PMI_SIZE", PmixRank = "PMIX_RANK";

    /// <summary>Those without which a process stands alone.</summary>
    public static IReadOnlyList<string> Variables { get; } = [OpenMpiSize, PmiSize, PmixRank];

    /// <summary>Reads the variables.</summary>
    /// <param name="variable">The value of a variable; null: not set.</param>
    /// <returns>Null if the process stands alone.</returns>
    public static Launch? Of(Func<string, string?> variable)
    {
        // Open MPI; MPICH, Intel MPI and MVAPICH (PMI); Slurm's srun, with which any of them may be underneath. A Slurm batch script itself
        // has the number of tasks too, but is none of them: only PMI's variables say that srun speaks to MPI.
        if (Number(OpenMpiSize) is { } size)
            return new Launch(Number("OMPI_COMM_WORLD_RANK") ?? 0, size, Number("OMPI_COMM_WORLD_LOCAL_RANK") ?? 0,
                Number("OMPI_COMM_WORLD_LOCAL_SIZE") ?? 0, IsOpenMpi: true);
        if (Number(PmiSize) is { } ranks && Number("PMI_RANK") is { } rank)
            return new Launch(rank, ranks, Number("MPI_LOCALRANKID") ?? Number("SLURM_LOCALID") ?? 0, Number("MPI_LOCALNRANKS") ?? 0,
                IsOpenMpi: false);
        if (Number(PmixRank) is { } task && (Number("SLURM_STEP_NUM_TASKS") ?? Number("SLURM_NTASKS")) is { } tasks)
            return new Launch(task, tasks, Number("SLURM_LOCALID") ?? 0, 0, IsOpenMpi: true);
        return null;

        int? Number(string name) => int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value
            : null;
    }
}
